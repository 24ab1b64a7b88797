public import ConnectRuntime
internal import Synchronization

/// What a scripted source delivers, and what happened to it. Shared by the test and every instance.
public final class SourceScript: Sendable {
    private struct State {
        var values: [Value]
        var committed: Int64 = -1
        var commits: [Int64] = []
        var epochs: [Int64] = []
        var stops = 0
    }
    public let topic: Name
    public let perPoll: Int
    /// Every record but each n-th comes without an offset of its own.
    public let offsetEvery: Int
    public let misbehaviour = Misbehaviour()
    private let state: Mutex<State>

    /// - Parameter values: the records' values in their order; keys are their numbers. More can be added later.
    public init(topic: Name, values: [Value], perPoll: Int = 10, offsetEvery: Int = 1) {
        self.topic = topic
        self.perPoll = perPoll
        self.offsetEvery = offsetEvery
        state = Mutex(State(values: values))
    }

    public func add(_ values: [Value]) { state.withLock { $0.values += values } }
    /// The sequence number up to which the source was told that everything is durable; −1 before.
    public var committed: Int64 { state.withLock { $0.committed } }
    public var commits: [Int64] { state.withLock { $0.commits } }
    /// The epoch of each start.
    public var epochs: [Int64] { state.withLock { $0.epochs } }
    public var stops: Int { state.withLock { $0.stops } }

    func value(_ index: Int) -> Value? { state.withLock { index < $0.values.count ? $0.values[index] : nil } }
    func started(_ epoch: Int64) { state.withLock { $0.epochs.append(epoch) } }
    func stopped() { state.withLock { $0.stops += 1 } }
    func told(_ sequence: Int64) {
        state.withLock { state in
            state.committed = sequence
            state.commits.append(sequence)
        }
    }

    /// The plugin to put into a catalogue.
    public var plugin: Plugin {
        Plugin(
            ["ScriptedSource"], version: "1.0.0",
            definition: ConfigDefinition().group(nil, ScriptedSettings.label, ScriptedSettings.password), summary: "Does what a test says.",
            factory: .source { ScriptedSource(self) })
    }
}

enum ScriptedSettings {
    static let label = Setting<String?>.optionalString("label", "Means nothing; changing it changes the configuration.")
    static let password = Setting<Secret?>.password("connection.password", "Means nothing; must not be shown.")
    static let url = Setting<String?>.optionalString("connection.url", "Means nothing; may hold a password.")
}

final class ScriptedSource: SourceConnector {
    private let script: SourceScript
    private var config: ConfigMap?

    init(_ script: SourceScript) { self.script = script }

    func start(_ config: Config, context: any ConnectorContext) throws {
        try script.misbehaviour.enter("connector.start")
        self.config = config.map
    }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] {
        try script.misbehaviour.enter("taskConfigs")
        var task = ConfigMap()
        if let label = config?.text("label") { task["label"] = .some(label) }
        if let password = config?.text("connection.password") { task["connection.password"] = .some(password) }
        return [task]
    }
    func stop() { try? script.misbehaviour.enter("connector.stop") }
    func makeTask() -> any SourceTask { ScriptedSourceTask(script) }
    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport { .supported }
}

final class ScriptedSourceTask: SourceTask {
    private let script: SourceScript
    private let partition = SourcePartition([("script", .string("rows"))])
    private let keySchema = Schema.plain(.int64)
    private var context: (any SourceTaskContext)?
    private var next = 0

    init(_ script: SourceScript) { self.script = script }

    func start(_ config: Config, context: any SourceTaskContext) throws {
        try script.misbehaviour.enter("start")
        self.context = context
        script.started(context.epoch)
        if let stored = try context.offset(partition), let sequence = try stored.members()["seq"]?.int64 { next = Int(sequence) + 1 }
    }

    func poll(into batch: inout RecordBatch) throws {
        try script.misbehaviour.enter("poll")
        var index = next
        while index < next + script.perPoll, let value = script.value(index) {
            let isPlace = (index + 1) % script.offsetEvery == 0
            batch.append(
                Record(topic: script.topic, keySchema: keySchema, key: .int64(Int64(index)), value: value), partition: partition,
                offset: isPlace ? SourceOffset([("seq", .integer(Int64(index)))]) : nil)
            index += 1
        }
        next = index
        if batch.isEmpty, let context { _ = context.clock.sleep(milliseconds: 200, wake: context.wakeUp) }
    }

    func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws {
        try script.misbehaviour.enter("committed")
        for (_, offset) in offsets { if let sequence = try offset.members()["seq"]?.int64 { script.told(sequence) } }
    }

    func stop() {
        try? script.misbehaviour.enter("stop")
        script.stopped()
    }
}
