public import ConnectRuntime
import Synchronization

/// Runs a sink task without a worker: hands it records of one topic partition, takes its dead letters, keeps what it may commit.
/// For one thread.
public final class SinkHarness {
    public let task: any SinkTask
    public let context: HarnessContext
    private let topicID: TopicID
    private let partition: TopicPartition
    private var end: Int64 = 0

    /// - Parameter configuration: checked by the plugin's own declaration; a problem is thrown.
    public init(_ plugin: Plugin, _ configuration: ConfigMap, topic: Name = "t", tolerates: Bool = true, clock: any WorkerClock = SystemClock()) throws {
        guard case .sink(let make) = plugin.factory else { throw ConnectError(.configuration, code: "config.not_a_sink", "\(plugin.className) is no sink") }
        let (config, problems) = plugin.definition.parse(configuration)
        let connector = make()
        if let problem = (problems + (problems.isEmpty ? connector.validate(config) : [])).first(where: { !$0.isWarning }) {
            throw ConnectError(.configuration, code: problem.code, problem.message)
        }
        partition = TopicPartition(topic, 0)
        topicID = TopicID([UInt8](repeating: 7, count: 16)) ?? .random()
        context = HarnessContext(tolerates: tolerates, clock: clock)
        task = connector.makeTask()
        try task.start(config, context: context)
        let bounds = PartitionBounds(start: 0, end: 0, epochs: [], byteCount: 0)
        _ = try task.open([AssignedPartition(topicPartition: partition, topicID: topicID, bounds: bounds, committed: nil)])
    }

    /// Puts records as one batch; their offsets go on from the last.
    public func put(_ records: [Record]) throws { try put(records, arePlainJSON: false) }

    /// - Parameter arePlainJSON: whether they come with their values left as bytes, as a worker does for a ``PlainJSONSink``.
    package func put(_ records: [Record], arePlainJSON: Bool) throws {
        var bytes = ByteBuffer(), ranges: [(key: Range<Int>?, value: Range<Int>?)] = []
        func append(_ value: Value) throws -> Range<Int>? {
            if value.isNull { return nil }
            let start = bytes.count
            try PlainText.write(schema: nil, value: value, into: &bytes)
            return start..<bytes.count
        }
        for record in records { ranges.append((try append(record.key), try append(record.value))) }
        var set = RecordSet(storage: bytes.take())
        for (record, range) in zip(records, ranges) {
            set.addRange(offset: end, timestamp: record.timestamp ?? -1, key: range.key, value: range.value)
            end += 1
        }
        let consumed = ConsumedRecords(topicPartition: partition, topicID: topicID, leaderEpoch: 0, records: set, nextOffset: end)
        try task.put(
            RecordBatch(
                records.enumerated().map { index, record in
                    var record = record
                    record.topic = partition.topic
                    if arePlainJSON { record.value = .null }
                    var entry = RecordBatch.Entry(record: record, origin: .log(LogOrigin(source: consumed, index: index)))
                    entry.isPlainJSON = arePlainJSON
                    return entry
                }))
    }

    /// The offset the task lets go now.
    public func committable() throws -> Int64 {
        try task.preCommit([partition: CommittedOffset(offset: end)])[partition]?.offset ?? 0
    }

    /// Gives the task its turns until everything that was put may be committed.
    /// - Throws: what the task throws; an error when the time is over.
    public func finish(milliseconds: Int = 20_000) throws {
        let deadline = context.clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        while try committable() < end {
            if context.clock.monotonicNanoseconds() > deadline {
                throw ConnectError(.fatal, code: "harness.timeout", "the sink has let \(try committable()) of \(end) records go; it says: \(context.whatHappened.lastNote ?? "nothing")")
            }
            _ = context.clock.sleep(milliseconds: min(context.takeTimeout() ?? 1000, 1000), wake: context.wakeUp)
            try task.put(RecordBatch())
        }
    }

    /// As a worker does when the task is to end.
    public func stop() {
        task.close([partition], lost: false)
        task.stop()
    }
}

/// What a sink task did with its context, to look at from any thread.
public struct SinkReport: Sendable {
    public fileprivate(set) var lastNote: String?
    public fileprivate(set) var notes: [String] = []
    public fileprivate(set) var deadLetters: [(offset: Int64, error: ConnectError)] = []
    public fileprivate(set) var emitted: [Name: [RecordSet]] = [:]
    public fileprivate(set) var pauses = 0
    /// Everything that was logged, with the errors.
    public fileprivate(set) var logLines: [String] = []
}

/// What a sink task gets from the harness.
public final class HarnessContext: SinkTaskContext, ErrantRecordReporter {
    public let connector: Name = "harness"
    public let task = 0
    public let epoch: Int64 = 1
    public let clusterID = "harness-cluster"
    public let clock: any WorkerClock
    public let logger: Logger
    public let metrics = TaskMetrics()
    public let wakeUp = WakeUp()
    private var report = SinkReport()
    public private(set) var paused: Set<TopicPartition> = []
    private let log = LinesHandler()
    private let tolerates: Bool
    private var timeout: Int?

    init(tolerates: Bool, clock: any WorkerClock) {
        self.tolerates = tolerates
        self.clock = clock
        logger = Logger(label: "harness", handler: log)
    }

    public var reporter: (any ErrantRecordReporter)? { tolerates ? self : nil }
    public var whatHappened: SinkReport {
        var report = report
        report.logLines = log.lines.withLock { $0 }
        return report
    }

    public func note(_ text: String?) {
        report.lastNote = text
        if let text { report.notes.append(text) }
    }
    public func seek(_ partition: TopicPartition, to offset: Int64) {}
    public func pause(_ partitions: [TopicPartition]) {
        paused.formUnion(partitions)
        report.pauses += 1
    }
    public func resume(_ partitions: [TopicPartition]) { paused.subtract(partitions) }
    public func emit(_ records: RecordSet, to topic: Name) throws { report.emitted[topic, default: []].append(records) }
    public func requestCommit() {}
    public func setTimeout(milliseconds: Int) { timeout = milliseconds }
    func takeTimeout() -> Int? {
        defer { timeout = nil }
        return timeout
    }
    public func report(_ failures: [(entry: RecordBatch.Entry, error: ConnectError)]) throws {
        for (entry, error) in failures {
            guard case .log(let origin) = entry.origin else { continue }
            report.deadLetters.append((origin.offset, error))
        }
    }
}

private final class LinesHandler: LogHandler {
    let lines = Mutex<[String]>([])
    func isEnabled(_ level: Logger.Level, label: String) -> Bool { true }
    func write(_ entry: LogEntry) { lines.withLock { $0.append(entry.message + (entry.error.map { " \($0)" } ?? "")) } }
}
