public import ConnectRuntime
import Synchronization

/// A herder that runs nothing: it keeps what it is told and says so, and can be told to fail or to take its time. For tests of doors.
public final class ScriptedHerder: Herder {
    private struct Entry {
        var config: ConfigMap
        var target: TargetState
        var offsets: [ConnectorOffset] = []
        var topics: [Name] = ["used"]
    }
    private let entries = Mutex<[Name: Entry]>([:])
    private let hook = Mutex<(@Sendable (String) throws(HerderError) -> Void)?>(nil)

    private let answeredHealth = Mutex(Health(.healthy, "Worker has completed startup and is ready to handle requests."))

    public let workerID: String
    public let clusterID = "scripted"
    public let plugins: PluginCatalogue

    public init(workerID: String = "127.0.0.1:8083", plugins: PluginCatalogue = PluginCatalogue()) {
        self.workerID = workerID
        self.plugins = plugins
    }

    /// Runs `body` with the name of every call before it does anything: to throw, to block.
    public func before(_ body: @escaping @Sendable (String) throws(HerderError) -> Void) { hook.withLock { $0 = body } }

    private func call(_ name: String) throws(HerderError) {
        if let body = hook.withLock({ $0 }) { try body(name) }
    }

    private func entry(_ name: Name) throws(HerderError) -> Entry {
        guard let entry = entries.withLock({ $0[name] }) else { throw HerderError(.notFound, "no connector \(name)") }
        return entry
    }

    public func connectors() throws(HerderError) -> [Name] {
        try call("connectors")
        return entries.withLock { $0.keys.sorted() }
    }

    public func info(_ connector: Name) throws(HerderError) -> ConnectorInfo {
        try call("info")
        let entry = try entry(connector)
        return ConnectorInfo(
            name: connector, config: entry.config, tasks: entry.target == .stopped ? [] : [0], type: type(of: entry.config))
    }

    public func config(_ connector: Name) throws(HerderError) -> ConfigMap {
        try call("config")
        return try entry(connector).config
    }

    public func put(
        _ connector: Name, _ config: ConfigMap, initialState: TargetState?, replacing: Bool
    ) throws(HerderError) -> (isNew: Bool, info: ConnectorInfo) {
        try call("put")
        let known = entries.withLock { $0[connector] }
        if known != nil, !replacing { throw HerderError(.alreadyExists, "Connector \(connector) already exists") }
        entries.withLock { $0[connector] = Entry(config: config, target: known?.target ?? initialState ?? .started) }
        if known != nil { return (false, try info(connector)) }
        return (true, ConnectorInfo(name: connector, config: config, tasks: [], type: type(of: config)))
    }

    public func patch(_ connector: Name, _ changes: ConfigMap) throws(HerderError) -> ConnectorInfo {
        try call("patch")
        var config = try entry(connector).config
        for change in changes.entries { config[change.name] = change.value.map { .some($0) } }
        return try put(connector, config, initialState: nil, replacing: true).info
    }

    public func remove(_ connector: Name) throws(HerderError) {
        try call("remove")
        _ = try entry(connector)
        entries.withLock { $0[connector] = nil }
    }

    public func status(_ connector: Name) throws(HerderError) -> ConnectorStatus {
        try call("status")
        let entry = try entry(connector)
        let state: Status.State =
            switch entry.target {
            case .started: .running
            case .paused: .paused
            case .stopped: .stopped
            }
        return status(connector, entry, state)
    }

    private func status(_ connector: Name, _ entry: Entry, _ state: Status.State) -> ConnectorStatus {
        let status = Status(state, workerID: workerID, version: "4.3.1")
        return ConnectorStatus(
            name: connector, type: type(of: entry.config), connector: .init(task: nil, status: status),
            tasks: entry.target == .stopped ? [] : [.init(task: 0, status: status)])
    }

    public func taskStatus(_ connector: Name, task: Int) throws(HerderError) -> ConnectorStatus.Part {
        guard let part = try status(connector).tasks.first(where: { $0.task == task }) else {
            throw HerderError(.notFound, "no task \(task)")
        }
        return part
    }

    public func tasks(_ connector: Name) throws(HerderError) -> [ConfigMap] {
        try call("tasks")
        let entry = try entry(connector)
        return entry.target == .stopped ? [] : [entry.config]
    }

    public func offsets(_ connector: Name) throws(HerderError) -> [ConnectorOffset] {
        try call("offsets")
        return try entry(connector).offsets
    }

    public func alterOffsets(_ connector: Name, _ offsets: [ConnectorOffset]?) throws(HerderError) -> Bool {
        try call("alterOffsets")
        guard try entry(connector).target == .stopped else { throw HerderError(.badRequest, "Connectors must be in the STOPPED state") }
        entries.withLock { $0[connector]?.offsets = offsets ?? [] }
        return false
    }

    public func topics(_ connector: Name) throws(HerderError) -> [Name] {
        try call("topics")
        return entries.withLock { $0[connector]?.topics ?? [] }
    }

    public func resetTopics(_ connector: Name) throws(HerderError) {
        try call("resetTopics")
        entries.withLock { $0[connector]?.topics = [] }
    }

    public func setTargetState(_ connector: Name, _ state: TargetState) throws(HerderError) {
        try call("setTargetState")
        _ = try entry(connector)
        entries.withLock { $0[connector]?.target = state }
    }

    public func restartConnector(_ connector: Name) throws(HerderError) {
        try call("restartConnector")
        _ = try entry(connector)
    }

    public func restart(_ connector: Name, onlyFailed: Bool, includeTasks: Bool) throws(HerderError) -> ConnectorStatus {
        try call("restart")
        return onlyFailed ? try status(connector) : status(connector, try entry(connector), .restarting)
    }

    public func restartTask(_ connector: Name, task: Int) throws(HerderError) {
        try call("restartTask")
        _ = try taskStatus(connector, task: task)
    }

    public func validate(plugin: String, _ config: ConfigMap) throws(HerderError) -> ConfigReport {
        try call("validate")
        return ConfigReport(className: config.text("connector.class") ?? plugin, groups: [], items: [], problems: [])
    }

    public func health() -> Health { answeredHealth.withLock { $0 } }

    /// What ``health()`` answers from now on.
    public func setHealth(_ health: Health) { answeredHealth.withLock { $0 = health } }

    private func type(of config: ConfigMap) -> ConnectorType {
        guard let written = config.text("connector.class") else { return .unknown }
        return written.contains("Sink") ? .sink : .source
    }
}
