/// A source connector: knows one external system, checks a configuration and splits the work into tasks.
///
/// "Is a source connector" means: passes `SourceConnectorConformance` in ConnectTesting.
/// Called by the herder on a thread of the connector pool, one call at a time; every call may block, within the pool's deadline.
public protocol SourceConnector: AnyObject {
    /// Looks across settings, after each has been checked by its declaration. Pure: reaches for nothing outside.
    func validate(_ config: Config) -> [ConfigProblem]

    /// Looks outside whether what the settings name is there and fits: for `connectd validate` and `connectd doctor` only. Reads, changes nothing,
    /// and bounds its waits; never called when a connector is created over REST or started, since nothing outside needs to be reachable then.
    ///
    /// Called on a fresh, unstarted instance whose configuration ``validate(_:)`` found nothing wrong with. Everything at once: one thing that is
    /// wrong hides no other. What is well is said too (``CheckFinding/Severity/ok``).
    func check(_ request: CheckRequest) -> [CheckFinding]

    /// Begins. Also after a pause or stop, on the same instance. Throwing makes the connector FAILED.
    func start(_ config: Config, context: any ConnectorContext) throws

    /// Splits the work: at most `maximum` configurations, each what one task needs to know. Called after each start and whenever
    /// the connector asked for it (``ConnectorContext/requestTaskReconfiguration()``). Throwing is retried with back-off.
    func taskConfigs(maximum: Int) throws -> [ConfigMap]

    /// Ends what `start` began; exactly once for each start, also after a failed one. Must not throw.
    func stop()

    /// Makes a task. Called on a fresh instance, which is never started, on the task's own thread: the two share nothing.
    func makeTask() -> any SourceTask

    /// Whether a task stopped anywhere goes on without loss or repetition when it gets its last stored offset.
    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport

    /// Whether its tasks can say where transactions end (`transaction.boundary=connector`).
    func canDefineTransactionBoundaries(_ config: Config) -> Bool

    /// Asked on a fresh, unstarted instance before offsets are changed by hand (Connect spec §4.6): throw to refuse.
    /// - Parameter offsets: `nil` resets.
    /// - Returns: whether the offsets were looked at.
    func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool
}

extension SourceConnector {
    public func validate(_ config: Config) -> [ConfigProblem] { [] }
    public func check(_ request: CheckRequest) -> [CheckFinding] { [] }
    public func canDefineTransactionBoundaries(_ config: Config) -> Bool { false }
    public func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool { false }
}

public enum ExactlyOnceSupport: String, Sendable { case supported = "SUPPORTED", unsupported = "UNSUPPORTED", unknown = "UNKNOWN" }

/// What a connector may ask of the worker. Thread-safe.
public protocol ConnectorContext: AnyObject, Sendable {
    var connector: Name { get }
    var logger: Logger { get }
    /// Set when the connector is to stop: whatever waits must look.
    var wakeUp: WakeUp { get }
    /// Has ``SourceConnector/taskConfigs(maximum:)`` called again soon, off the caller's thread: tables came or went.
    func requestTaskReconfiguration()
    /// Makes the connector FAILED; its tasks go on.
    func raise(_ error: ConnectError)
    /// Stored source offsets, for connectors whose task split depends on them; `nil` for sinks.
    var offsets: (any SourceOffsetReader)? { get }
}

/// Reads a connector's own stored offsets.
public protocol SourceOffsetReader: AnyObject, Sendable {
    func offset(_ partition: SourcePartition) throws -> SourceOffset?
}
