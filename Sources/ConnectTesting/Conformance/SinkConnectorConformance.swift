public import ConnectRuntime

/// A sink connector under test: its plugin, a configuration that works, records for it, and a look at what it wrote.
public struct SinkSubject: Sendable {
    public let plugin: Plugin
    public let config: ConfigMap
    /// A good record with this number, distinguishable from all others.
    public let record: @Sendable (_ number: Int) -> Record
    /// The numbers of the records in the target, ascending, one for each copy.
    public let written: @Sendable () throws -> [Int]

    public init(
        plugin: Plugin, config: ConfigMap, record: @escaping @Sendable (_ number: Int) -> Record, written: @escaping @Sendable () throws -> [Int]
    ) {
        self.plugin = plugin
        self.config = config
        self.record = record
        self.written = written
    }
}

/// What every sink connector keeps to; what only sinks that keep their position in the target can keep is asked of those alone.
public enum SinkConnectorConformance {
    public static let cases: [ConformanceCase<SinkSubject>] = [
        ConformanceCase("a configuration that works has no problems") { subject in
            let (config, problems) = subject.plugin.definition.parse(subject.config)
            guard case .sink(let make) = subject.plugin.factory else { throw ConformanceFailure("the plugin is no sink") }
            try expectEqual((problems + make().validate(config)).filter { !$0.isWarning }, [], "problems of the configuration")
        },
        ConformanceCase("batches arrive") { subject in
            let driver = try SinkDriver(subject)
            try driver.use { task, _ in
                _ = try task.open([driver.partition()])
                try task.put(driver.batch(0..<10))
                try task.put(driver.batch(10..<13))
                _ = try task.preCommit([driver.place: CommittedOffset(offset: 13)])
            }
            try expectEqual(try subject.written(), Array(0..<13), "records in the target")
        },
        ConformanceCase("a look finds nothing wrong with what works, and leaves what was written") { subject in
            let driver = try SinkDriver(subject)
            try expectEqual(driver.errorsFound(), [], "errors that a look found before the start")
            try driver.use { task, _ in
                _ = try task.open([driver.partition()])
                try task.put(driver.batch(0..<5))
                _ = try task.preCommit([driver.place: CommittedOffset(offset: 5)])
            }
            try expectEqual(driver.errorsFound(), [], "errors that a look found later")
            try expectEqual(try subject.written(), Array(0..<5), "records in the target")
        },
        ConformanceCase("an empty batch is taken, also before any partition came") { subject in
            let driver = try SinkDriver(subject)
            try driver.use { task, _ in
                try task.put(RecordBatch())
                _ = try task.open([driver.partition()])
                try task.put(RecordBatch())
            }
            try expectEqual(try subject.written(), [], "records in the target")
        },
        ConformanceCase("preCommit promises nothing that was not put") { subject in
            let driver = try SinkDriver(subject)
            try driver.use { task, _ in
                _ = try task.open([driver.partition()])
                try task.put(driver.batch(0..<5))
                for (place, offset) in try task.preCommit([driver.place: CommittedOffset(offset: 5)]) {
                    try expect(place == driver.place && offset.offset <= 5, "preCommit gave \(place) at \(offset.offset)")
                }
            }
        },
        ConformanceCase("a position kept in the target is where the next run goes on") { subject in
            let driver = try SinkDriver(subject)
            try driver.use { task, _ in
                _ = try task.open([driver.partition()])
                try task.put(driver.batch(0..<7))
            }
            try driver.use { task, _ in
                guard let position = try task.open([driver.partition()])[driver.place] else { return }
                try expectEqual(position, 7, "the position")
                try task.put(driver.batch(7..<9))
                try expectEqual(try subject.written(), Array(0..<9), "records in the target")
            }
        },
        ConformanceCase("where the position is kept, a zombie is fenced and writes nothing") { subject in
            let driver = try SinkDriver(subject)
            try driver.use { zombie, _ in
                _ = try zombie.open([driver.partition()])
                try zombie.put(driver.batch(0..<3))
                try driver.use { task, _ in
                    guard try task.open([driver.partition()])[driver.place] != nil else { return }
                    do {
                        try zombie.put(driver.batch(3..<6))
                        throw ConformanceFailure("a zombie's put went through")
                    } catch let error as ConnectError {
                        try expectEqual(error.kind, .fenced, "the kind of the zombie's error")
                    }
                    try task.put(driver.batch(3..<6))
                }
                zombie.close([driver.place], lost: true)
            }
            let written = try subject.written()
            try expectEqual(Array(Set(written)).sorted(), Array(0..<written.count), "records in the target")
        },
        ConformanceCase("a task that never started stops") { subject in
            try SinkDriver(subject).makeTask().stop()
        },
    ]
}

/// Drives a sink by hand, as a runner would.
struct SinkDriver {
    private let subject: SinkSubject
    private let config: Config
    private let make: @Sendable () -> any SinkConnector
    private let topicID = TopicID.random()
    let place = TopicPartition("conformance", 0)

    init(_ subject: SinkSubject) throws {
        self.subject = subject
        guard case .sink(let make) = subject.plugin.factory else { throw ConformanceFailure("the plugin is no sink") }
        self.make = make
        let connector = make()
        let whole = try subject.plugin.definition.parsed(subject.config)
        try connector.start(whole, context: PlainConnectorContext())
        defer { connector.stop() }
        var task = try unwrap(try connector.taskConfigs(maximum: 1).first, "the connector gave no task")
        task["topics"] = .some("conformance")
        config = try subject.plugin.definition.parsed(task)
    }

    func makeTask() -> any SinkTask { make().makeTask() }

    /// What a fresh instance finds wrong, however closely it looks.
    func errorsFound() -> [CheckFinding] {
        [CheckRequest.Depth.start, .thorough].flatMap { depth in
            make().check(CheckRequest(connector: "conformance", config: config, depth: depth)).filter { $0.severity == .error }
        }
    }

    func use(_ body: (any SinkTask, PlainTaskContext) throws -> Void) throws {
        let task = makeTask(), context = PlainTaskContext()
        defer { task.stop() }
        try task.start(config, context: context)
        try body(task, context)
        task.close([place], lost: false)
    }

    func partition() -> AssignedPartition {
        AssignedPartition(
            topicPartition: place, topicID: topicID,
            bounds: PartitionBounds(start: 0, end: 1000, epochs: [PartitionBounds.EpochStart(epoch: 0, firstOffset: 0)], byteCount: 0), committed: nil)
    }

    /// Records with these numbers at offsets of the same numbers.
    func batch(_ numbers: Range<Int>) -> RecordBatch {
        var records = RecordSet(storage: [])
        for number in numbers { records.addRange(offset: Int64(number), timestamp: 0, key: nil, value: nil) }
        let source = ConsumedRecords(
            topicPartition: place, topicID: topicID, leaderEpoch: 0, records: records, nextOffset: Int64(numbers.upperBound))
        return RecordBatch(
            numbers.enumerated().map { index, number in
                var record = subject.record(number)
                record.topic = place.topic
                record.partition = place.partition
                return RecordBatch.Entry(record: record, origin: .log(LogOrigin(source: source, index: index)))
            })
    }
}
