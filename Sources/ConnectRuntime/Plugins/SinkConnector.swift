/// A sink connector: knows one external system, checks a configuration and splits the work into tasks.
///
/// "Is a sink connector" means: passes `SinkConnectorConformance` in ConnectTesting. Threads as for ``SourceConnector``.
public protocol SinkConnector: AnyObject {
    func validate(_ config: Config) -> [ConfigProblem]
    /// Looks outside: as ``SourceConnector/check(_:)``.
    func check(_ request: CheckRequest) -> [CheckFinding]
    func start(_ config: Config, context: any ConnectorContext) throws
    /// Usually the connector's own configuration, `maximum` times: the log shares partitions among tasks.
    func taskConfigs(maximum: Int) throws -> [ConfigMap]
    func stop()
    /// Makes a task. Called on a fresh instance, which is never started, on the task's own thread: the two share nothing.
    func makeTask() -> any SinkTask
    /// Whether the target refuses a zombie by its epoch. Only then may a task start again while a thread of its former run is still stuck somewhere.
    func fencesByEpoch(_ config: Config) -> Bool
    /// Asked on a fresh, unstarted instance before its group's offsets are changed by hand: a sink that keeps its position in the target moves
    /// it here under a bumped epoch. `nil` resets.
    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool
}

extension SinkConnector {
    public func validate(_ config: Config) -> [ConfigProblem] { [] }
    public func check(_ request: CheckRequest) -> [CheckFinding] { [] }
    public func fencesByEpoch(_ config: Config) -> Bool { false }
    public func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool { false }
}
