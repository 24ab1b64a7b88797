public import ConnectRuntime
internal import Synchronization

/// A target in memory that keeps rows and positions together, like a database sink's, and what happened to it. Shared by test and instances.
public final class SinkScript: Sendable {
    public struct Row: Sendable, Hashable {
        public let place: TopicPartition
        public let offset: Int64
        public let value: Value
    }
    private struct Position {
        var next: Int64
        var epoch: Int64
    }
    private struct State {
        var rows: [Row] = []
        var positions: [TopicPartition: Position] = [:]
        var refused = 0
        var headers: [[Header]] = []
        var assigned: Set<TopicPartition> = []
    }
    public let misbehaviour = Misbehaviour()
    private let state = Mutex(State())
    private let isBad: @Sendable (Value) -> Bool

    private let answers: Answers?

    /// Records that a task emits for a batch before it writes it, and where.
    public typealias Answers = @Sendable (RecordBatch) -> (records: RecordSet, topic: Name)

    /// - Parameters:
    ///   - isBad: values the target refuses: they are reported, one by one.
    ///   - answers: what is emitted; nothing where there is none.
    public init(isBad: @escaping @Sendable (Value) -> Bool = { _ in false }, answers: Answers? = nil) {
        self.isBad = isBad
        self.answers = answers
    }

    public var rows: [Row] { state.withLock { $0.rows } }
    public var headers: [[Header]] { state.withLock { $0.headers } }
    /// Writes of zombies that were turned away.
    public var refused: Int { state.withLock { $0.refused } }
    public var assigned: Set<TopicPartition> { state.withLock { $0.assigned } }

    func isBad(_ value: Value) -> Bool { isBad(value) }
    func answer(_ batch: RecordBatch) -> (records: RecordSet, topic: Name)? { answers?(batch) }

    func claim(_ places: [TopicPartition]) -> [TopicPartition: (next: Int64?, epoch: Int64)] {
        state.withLock { state in
            var claims: [TopicPartition: (next: Int64?, epoch: Int64)] = [:]
            for place in places {
                let old = state.positions[place]
                let epoch = (old?.epoch ?? 0) + 1
                state.positions[place] = Position(next: old?.next ?? -1, epoch: epoch)
                claims[place] = (old.flatMap { $0.next < 0 ? nil : $0.next }, epoch)
                state.assigned.insert(place)
            }
            return claims
        }
    }

    /// Moves positions by hand, under new epochs; `nil` forgets one.
    func move(_ offsets: [TopicPartition: Int64?]) {
        state.withLock { state in
            for (place, offset) in offsets {
                guard let old = state.positions[place] else { continue }
                state.positions[place] = Position(next: offset ?? -1, epoch: old.epoch + 1)
            }
        }
    }

    func released(_ places: [TopicPartition]) { state.withLock { $0.assigned.subtract(places) } }

    /// Writes rows and positions together, or nothing when any epoch is no longer the writer's.
    func write(_ rows: [Row], headers: [[Header]], ends: [TopicPartition: Int64], epochs: [TopicPartition: Int64]) throws {
        try state.withLock { state in
            for place in ends.keys where state.positions[place]?.epoch != epochs[place] {
                state.refused += 1
                throw ConnectError(.fenced, code: "sink.fenced", "\(place) belongs to a newer run")
            }
            state.rows += rows
            state.headers += headers
            for (place, end) in ends { state.positions[place]?.next = end }
        }
    }

    public var plugin: Plugin {
        Plugin(
            ["ScriptedSink"], version: "1.0.0",
            definition: ConfigDefinition().group(nil, ScriptedSettings.label, ScriptedSettings.password, ScriptedSettings.url),
            summary: "Does what a test says.", factory: .sink { ScriptedSink(self) })
    }
}

final class ScriptedSink: SinkConnector {
    private let script: SinkScript
    private var config: ConfigMap?

    init(_ script: SinkScript) { self.script = script }

    func start(_ config: Config, context: any ConnectorContext) throws {
        try script.misbehaviour.enter("connector.start")
        self.config = config.map
    }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] {
        var task = ConfigMap()
        if let label = config?.text("label") { task["label"] = .some(label) }
        return Array(repeating: task, count: maximum)
    }
    func stop() {}
    func makeTask() -> any SinkTask { ScriptedSinkTask(script) }
    func fencesByEpoch(_ config: Config) -> Bool { true }
    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool {
        try script.misbehaviour.enter("alterOffsets")
        script.move(offsets)
        return true
    }
}

final class ScriptedSinkTask: SinkTask {
    private let script: SinkScript
    private var context: (any SinkTaskContext)?
    private var epochs: [TopicPartition: Int64] = [:]

    init(_ script: SinkScript) { self.script = script }

    func start(_ config: Config, context: any SinkTaskContext) throws {
        try script.misbehaviour.enter("start")
        self.context = context
    }

    func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] {
        try script.misbehaviour.enter("open")
        var positions: [TopicPartition: Int64] = [:]
        for (place, claim) in script.claim(partitions.map(\.topicPartition)) {
            epochs[place] = claim.epoch
            if let next = claim.next { positions[place] = next }
        }
        return positions
    }

    func put(_ batch: RecordBatch) throws {
        try script.misbehaviour.enter("put.begin")
        var rows: [SinkScript.Row] = [], headers: [[Header]] = [], ends: [TopicPartition: Int64] = [:]
        var bad: [(entry: RecordBatch.Entry, error: ConnectError)] = []
        for entry in batch.entries {
            guard case .log(let origin) = entry.origin else { continue }
            ends[origin.topicPartition] = origin.offset + 1
            if script.isBad(entry.record.value) {
                let error = ConnectError(.data, code: "sink.refused", "the target does not take this value", suggestion: "mend the value")
                guard context?.reporter != nil else { throw error }
                bad.append((entry, error))
                continue
            }
            rows.append(SinkScript.Row(place: origin.topicPartition, offset: origin.offset, value: entry.record.value))
            headers.append(entry.record.headers)
        }
        if !bad.isEmpty { try context?.reporter?.report(bad) }
        if ends.isEmpty { return }
        if let (records, topic) = script.answer(batch) { try context?.emit(records, to: topic) }
        try script.misbehaviour.enter("put.write")
        try script.write(rows, headers: headers, ends: ends, epochs: epochs)
        try script.misbehaviour.enter("put.end")
    }

    func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] {
        try script.misbehaviour.enter("preCommit")
        return offsets
    }

    func close(_ partitions: [TopicPartition], lost: Bool) {
        script.released(partitions)
        for place in partitions { epochs[place] = nil }
    }
    func stop() { try? script.misbehaviour.enter("stop") }
}
