/// Keeps what shall run and makes it run: the worker's administration, behind REST and the command line. The standalone one serves one process;
/// a distributed one will serve a cluster behind the same calls.
///
/// Thread-safe. Calls block for at most the herder's request timeout (90 s, as Connect's). Configurations that come back out
/// show literal secrets as `[hidden]` (design D12).
public protocol Herder: AnyObject, Sendable {
    /// `host:port` of this worker's REST door.
    var workerID: String { get }
    var clusterID: String { get }

    /// Names, in byte order.
    func connectors() throws(HerderError) -> [Name]
    func info(_ connector: Name) throws(HerderError) -> ConnectorInfo
    /// The configuration as it was sent, secrets hidden.
    func config(_ connector: Name) throws(HerderError) -> ConfigMap
    /// Creates (or, with `replacing`, creates or replaces) a connector after validating it.
    /// - Parameter initialState: of a new connector; one that exists keeps its target state.
    /// - Returns: whether it is new, and what it is now.
    func put(_ connector: Name, _ config: ConfigMap, initialState: TargetState?, replacing: Bool) throws(HerderError) -> (isNew: Bool, info: ConnectorInfo)
    /// Merges entries into a stored configuration (null removes one), then as ``put(_:_:initialState:replacing:)``.
    func patch(_ connector: Name, _ changes: ConfigMap) throws(HerderError) -> ConnectorInfo
    func remove(_ connector: Name) throws(HerderError)

    func status(_ connector: Name) throws(HerderError) -> ConnectorStatus
    func taskStatus(_ connector: Name, task: Int) throws(HerderError) -> ConnectorStatus.Part
    /// Task configurations as stored, secrets hidden, by number.
    func tasks(_ connector: Name) throws(HerderError) -> [ConfigMap]

    /// Where it stands: a source's stored offsets, a sink's group's committed offsets.
    func offsets(_ connector: Name) throws(HerderError) -> [ConnectorOffset]
    /// Moves the offsets of a stopped connector, in its target too where it keeps them there; `nil` resets all of them, so that it begins anew.
    /// Anything but STOPPED is refused as `.badRequest`. What fails half-way can be asked for again.
    /// - Returns: whether the connector itself looked at them.
    func alterOffsets(_ connector: Name, _ offsets: [ConnectorOffset]?) throws(HerderError) -> Bool

    /// The topics that its tasks have used since it was made or they were last reset (KIP-558), in byte order; none of a connector nobody knows.
    /// `.forbidden` where the worker does not keep track of them.
    func topics(_ connector: Name) throws(HerderError) -> [Name]
    /// Forgets the topics used so far; what is used from now on is noted again. `.forbidden` where the worker's settings say so.
    func resetTopics(_ connector: Name) throws(HerderError)

    /// Sets the target state; what runs follows within seconds.
    func setTargetState(_ connector: Name, _ state: TargetState) throws(HerderError)
    /// Restarts synchronously the connector alone (Connect's restart without flags).
    func restartConnector(_ connector: Name) throws(HerderError)
    /// Restarts by plan (KIP-745): the answer shows every selected instance as RESTARTING.
    func restart(_ connector: Name, onlyFailed: Bool, includeTasks: Bool) throws(HerderError) -> ConnectorStatus
    func restartTask(_ connector: Name, task: Int) throws(HerderError)

    var plugins: PluginCatalogue { get }
    /// Validates a configuration against a plugin, for connectors with everything the framework adds.
    func validate(plugin: String, _ config: ConfigMap) throws(HerderError) -> ConfigReport

    func health() -> Health
}

/// A refused call, typed as Connect's REST answers are; the door turns it into a status code.
public struct HerderError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable { case badRequest, forbidden, notFound, alreadyExists, conflict, timeout, unavailable, internalError }
    public let kind: Kind
    public let message: String
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
    public var description: String { message }
}

public struct ConnectorInfo: Sendable, Hashable {
    public let name: Name
    public let config: ConfigMap
    public let tasks: [Int]
    public let type: ConnectorType
    public init(name: Name, config: ConfigMap, tasks: [Int], type: ConnectorType) {
        self.name = name
        self.config = config
        self.tasks = tasks
        self.type = type
    }
}

public struct ConnectorStatus: Sendable, Hashable {
    public struct Part: Sendable, Hashable {
        /// The task's number; `nil` for the connector itself.
        public let task: Int?
        public let status: Status
        /// What it is waiting for or retrying, when there is something to say (never in Connect's own fields).
        public let note: String?
        public init(task: Int?, status: Status, note: String? = nil) {
            self.task = task
            self.status = status
            self.note = note
        }
    }
    public let name: Name
    public let type: ConnectorType
    public let connector: Part
    public let tasks: [Part]
    /// Settings that mean nothing here, and other things an operator should know.
    public let warnings: [ConfigProblem]
    public init(name: Name, type: ConnectorType, connector: Part, tasks: [Part], warnings: [ConfigProblem] = []) {
        self.name = name
        self.type = type
        self.connector = connector
        self.tasks = tasks
        self.warnings = warnings
    }
}

/// The outcome of a validation, in the shape of Connect's answer.
public struct ConfigReport: Sendable {
    public struct Item: Sendable {
        /// `nil` for a key that nobody declares.
        public let definition: SettingKey?
        public let name: Name
        /// Parsed value as text; secrets as `[hidden]`; `nil` when unset.
        public let value: String?
        public let errors: [String]
        public init(definition: SettingKey?, name: Name, value: String?, errors: [String]) {
            self.definition = definition
            self.name = name
            self.value = value
            self.errors = errors
        }
    }
    public let className: String
    public let groups: [String]
    public let items: [Item]
    /// Everything that is wrong or doubtful, with codes and suggestions: what the command line prints.
    public let problems: [ConfigProblem]
    public var errorCount: Int { items.reduce(0) { $0 + $1.errors.count } }
    public init(className: String, groups: [String], items: [Item], problems: [ConfigProblem]) {
        self.className = className
        self.groups = groups
        self.items = items
        self.problems = problems
    }
}

public struct Health: Sendable, Hashable {
    public enum State: String, Sendable { case healthy, starting, unhealthy }
    public let state: State
    public let message: String
    /// Of an unhealthy worker: a new start would change nothing, it goes on once its surroundings are well again.
    public let goesOnByItself: Bool
    public init(_ state: State, _ message: String, goesOnByItself: Bool = false) {
        self.state = state
        self.message = message
        self.goesOnByItself = goesOnByItself
    }
}
