/// What shall run: connectors' configurations, their target states and task sets. Connect's config topic, as a contract.
///
/// Writes are durable when the call returns. Thread-safe. Listeners hear of every change in the order of the writes, also of
/// their own process's, on the store's thread; they must not block.
public protocol ConfigStore: AnyObject, Sendable {
    /// Everything, consistent.
    func snapshot() throws(LogError) -> ConfigSnapshot

    /// Creates or replaces a configuration; with an initial target state both become visible together.
    func putConnector(_ name: Name, _ config: ConfigMap, targetState: TargetState?) throws(LogError)

    /// Removes configuration and target state; its task set is forgotten. Offsets stay (Connect spec §8.3).
    func removeConnector(_ name: Name) throws(LogError)

    /// Replaces a connector's whole task set, all or none, and counts up its generation. An empty set is legal (stopped).
    func putTasks(_ connector: Name, _ configs: [ConfigMap]) throws(LogError)

    func putTargetState(_ connector: Name, _ state: TargetState) throws(LogError)

    /// Asks whoever runs the connector to restart it; not kept.
    func putRestart(_ request: RestartRequest) throws(LogError)

    /// Registers a listener for as long as the returned object lives.
    func observe(_ listener: @escaping @Sendable (ConfigChange) -> Void) -> any StoreObservation
}

/// Keeps a listener registered; ``cancel()`` or its end removes it.
public protocol StoreObservation: AnyObject, Sendable {
    func cancel()
}

public enum TargetState: String, Sendable, Hashable, CaseIterable { case started = "STARTED", paused = "PAUSED", stopped = "STOPPED" }

public struct RestartRequest: Sendable, Hashable {
    public let connector: Name
    public let onlyFailed: Bool
    public let includeTasks: Bool
    public init(connector: Name, onlyFailed: Bool, includeTasks: Bool) {
        self.connector = connector
        self.onlyFailed = onlyFailed
        self.includeTasks = includeTasks
    }
}

public enum ConfigChange: Sendable, Hashable {
    case connector(Name)
    case removed(Name)
    case tasks(Name)
    case targetState(Name)
    case restart(RestartRequest)
}

/// The store's content at one moment.
public struct ConfigSnapshot: Sendable, Hashable {
    public var connectors: [Name: Entry]
    public struct Entry: Sendable, Hashable {
        public var config: ConfigMap
        public var targetState: TargetState
        /// `nil` until tasks were put.
        public var tasks: TaskSet?
        public init(config: ConfigMap, targetState: TargetState, tasks: TaskSet? = nil) {
            self.config = config
            self.targetState = targetState
            self.tasks = tasks
        }
    }
    /// A committed set of task configurations.
    public struct TaskSet: Sendable, Hashable {
        public var configs: [ConfigMap]
        /// Counts up with every set of this name, also across deletion and re-creation.
        public var generation: Int64
        public init(configs: [ConfigMap], generation: Int64) {
            self.configs = configs
            self.generation = generation
        }
    }
    public init(connectors: [Name: Entry] = [:]) { self.connectors = connectors }
}
