/// Where states of connectors and tasks are kept for REST and other workers: Connect's status topic, as a contract. Thread-safe.
public protocol StatusStore: AnyObject, Sendable {
    /// Writes a status, whatever is there.
    func put(_ status: Status, for subject: StatusSubject)
    /// Writes unless somebody newer has written: only when the stored one is by the same worker or of a generation not above this one's.
    /// - Returns: whether it was written.
    @discardableResult func putSafely(_ status: Status, for subject: StatusSubject) -> Bool
    /// Removes connector and task statuses (deletion).
    func remove(connector: Name)
    /// Removes one task's status (a smaller task set, a stop).
    func removeTask(connector: Name, task: Int)
    func status(of subject: StatusSubject) -> Status?
    /// Statuses of a connector's tasks, by task number.
    func tasks(of connector: Name) -> [(task: Int, status: Status)]

    /// Notes that a connector's tasks use a topic (KIP-558); again and again costs little.
    func noteTopic(_ topic: Name, of connector: Name)
    /// The topics used since the connector was made, or since they were forgotten, in byte order; ``remove(connector:)`` forgets them too.
    func topics(of connector: Name) -> [Name]
    /// Forgets the topics used so far.
    func forgetTopics(of connector: Name)
}

public enum StatusSubject: Sendable, Hashable {
    case connector(Name)
    case task(connector: Name, task: Int)
}

public struct Status: Sendable, Hashable {
    public enum State: String, Sendable, Hashable { case unassigned = "UNASSIGNED", running = "RUNNING", paused = "PAUSED", stopped = "STOPPED", failed = "FAILED", restarting = "RESTARTING" }
    public let state: State
    /// Why it failed, with causes; only for FAILED, `nil` otherwise.
    public let trace: String?
    public let workerID: String
    public let generation: Int64
    public let version: String?
    public init(_ state: State, trace: String? = nil, workerID: String, generation: Int64 = 0, version: String? = nil) {
        self.state = state
        self.trace = trace
        self.workerID = workerID
        self.generation = generation
        self.version = version
    }
}
