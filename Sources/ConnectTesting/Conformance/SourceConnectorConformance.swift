public import ConnectRuntime

/// A source connector under test: its plugin, a configuration that works, and a hand on the system it reads.
public struct SourceSubject: Sendable {
    public let plugin: Plugin
    public let config: ConfigMap
    /// Makes so many more changes in the source, each one record.
    public let produce: @Sendable (_ count: Int) throws -> Void

    public init(plugin: Plugin, config: ConfigMap, produce: @escaping @Sendable (_ count: Int) throws -> Void) {
        self.plugin = plugin
        self.config = config
        self.produce = produce
    }
}

/// What every source connector keeps to. Each case gets a subject of its own, with nothing produced yet.
public enum SourceConnectorConformance {
    public static let cases: [ConformanceCase<SourceSubject>] = [
        ConformanceCase("a configuration that works has no problems, and splits into no more tasks than allowed") { subject in
            let driver = try SourceDriver(subject)
            try expectEqual(driver.problems, [], "problems of the configuration")
            let tasks = try driver.tasks(maximum: 1)
            try expect(tasks.count <= 1, "tasks.max=1 gave \(tasks.count) tasks")
        },
        ConformanceCase("a connector starts and stops again and again") { subject in
            let driver = try SourceDriver(subject)
            for _ in 0..<3 { _ = try driver.tasks(maximum: 1) }
        },
        ConformanceCase("what is there arrives, in order, and then polls come back empty") { subject in
            let driver = try SourceDriver(subject)
            try subject.produce(25)
            let run = try driver.run(until: 25)
            try expectEqual(run.records.count, 25, "records")
            try expect(run.emptyAfter, "a poll without news returned records")
        },
        ConformanceCase("what comes later arrives too") { subject in
            let driver = try SourceDriver(subject)
            try subject.produce(3)
            let run = try driver.run(until: 8) { seen in if seen == 3 { try subject.produce(5) } }
            try expectEqual(run.records.count, 8, "records")
        },
        ConformanceCase("from every place it calls a place to start again, the rest arrives and nothing twice") { subject in
            let driver = try SourceDriver(subject)
            try subject.produce(12)
            let all = try driver.run(until: 12)
            for (index, entry) in all.records.enumerated() {
                guard entry.offset != nil, index + 1 < all.records.count else { continue }
                let rest = try driver.run(until: all.records.count - index - 1, from: all.positions(upTo: index))
                try expectEqual(rest.records.map(\.record), all.records[(index + 1)...].map(\.record), "the records after place \(index)")
            }
        },
        ConformanceCase("at its end it is at its end") { subject in
            let driver = try SourceDriver(subject)
            try subject.produce(4)
            let all = try driver.run(until: 4)
            let again = try driver.run(until: 0, from: all.positions(upTo: all.records.count - 1))
            try expectEqual(again.records.count, 0, "records after the last")
        },
        ConformanceCase("a wake-up ends a poll that waits") { subject in
            let driver = try SourceDriver(subject)
            try driver.expectWakeUpEndsPoll()
        },
        ConformanceCase("a look finds nothing wrong with what works, and takes nothing from what is delivered") { subject in
            let driver = try SourceDriver(subject)
            try subject.produce(3)
            try expectEqual(driver.errorsFound(), [], "errors that a look found before the start")
            let first = try driver.run(until: 3)
            try expectEqual(first.records.count, 3, "records")
            try subject.produce(2)
            try expectEqual(driver.errorsFound(), [], "errors that a look found later")
            let rest = try driver.run(until: 2, from: first.positions(upTo: first.records.count - 1))
            try expectEqual(rest.records.count, 2, "records after the look")
        },
        ConformanceCase("a task that never started stops") { subject in
            let task = try SourceDriver(subject).makeTask()
            task.stop()
        },
    ]
}

/// Drives a source by hand, as a runner would.
struct SourceDriver {
    struct Seen {
        let record: Record
        let partition: SourcePartition
        let offset: SourceOffset?
    }
    struct Run {
        var records: [Seen] = []
        var emptyAfter = false

        func positions(upTo index: Int) -> [SourcePartition: SourceOffset] {
            var positions: [SourcePartition: SourceOffset] = [:]
            for seen in records[...index] { if let offset = seen.offset { positions[seen.partition] = offset } }
            return positions
        }
    }

    private let subject: SourceSubject
    private let connector: any SourceConnector
    let config: Config
    let problems: [ConfigProblem]

    init(_ subject: SourceSubject) throws {
        self.subject = subject
        guard case .source(let make) = subject.plugin.factory else { throw ConformanceFailure("the plugin is no source") }
        connector = make()
        let (config, problems) = subject.plugin.definition.parse(subject.config)
        self.config = config
        self.problems = problems.filter { !$0.isWarning } + connector.validate(config).filter { !$0.isWarning }
    }

    /// What a fresh instance finds wrong, however closely it looks.
    func errorsFound() throws -> [CheckFinding] {
        guard case .source(let make) = subject.plugin.factory else { throw ConformanceFailure("the plugin is no source") }
        return [CheckRequest.Depth.start, .thorough].flatMap { depth in
            make().check(CheckRequest(connector: "conformance", config: config, depth: depth)).filter { $0.severity == .error }
        }
    }

    func makeTask() throws -> any SourceTask {
        guard case .source(let make) = subject.plugin.factory else { throw ConformanceFailure("the plugin is no source") }
        return make().makeTask()
    }

    func tasks(maximum: Int) throws -> [ConfigMap] {
        try connector.start(config, context: PlainConnectorContext())
        defer { connector.stop() }
        return try connector.taskConfigs(maximum: maximum)
    }

    /// Polls until so many records came and one poll came back empty, at most some seconds.
    func run(
        until count: Int, from stored: [SourcePartition: SourceOffset] = [:], _ afterPoll: (_ seen: Int) throws -> Void = { _ in }
    ) throws -> Run {
        let taskConfig = try unwrap(try tasks(maximum: 1).first, "the connector gave no task")
        let task = try makeTask()
        defer { task.stop() }
        let context = PlainTaskContext(stored: stored)
        try task.start(subject.plugin.definition.parsed(taskConfig), context: context)
        var run = Run()
        var batch = RecordBatch()
        let end = context.clock.monotonicNanoseconds() + 30_000_000_000
        while context.clock.monotonicNanoseconds() < end {
            batch.entries.removeAll(keepingCapacity: true)
            try task.poll(into: &batch)
            for entry in batch.entries {
                guard case .source(let origin) = entry.origin else { continue }
                run.records.append(Seen(record: entry.record, partition: origin.partition, offset: origin.offset))
            }
            try task.committed(Array(run.records.isEmpty ? [:] : run.positions(upTo: run.records.count - 1)).map { ($0.key, $0.value) })
            if batch.isEmpty, run.records.count >= count {
                run.emptyAfter = true
                return run
            }
            if !batch.isEmpty { try afterPoll(run.records.count) }
        }
        return run
    }

    func expectWakeUpEndsPoll() throws {
        let taskConfig = try unwrap(try tasks(maximum: 1).first, "the connector gave no task")
        let task = try makeTask()
        defer { task.stop() }
        let wakeUp = WakeUp()
        let context = PlainTaskContext(wakeUp: wakeUp)
        try task.start(subject.plugin.definition.parsed(taskConfig), context: context)
        wakeUp.set()
        var batch = RecordBatch()
        // A set wake-up stays set, so none of these may wait its second out.
        let start = context.clock.monotonicNanoseconds()
        for _ in 0..<20 { try task.poll(into: &batch) }
        try expect(context.clock.monotonicNanoseconds() - start < 10_000_000_000, "twenty polls under a set wake-up took longer than ten seconds")
    }
}
