internal import ConnectRuntime
internal import SQLite

/// Writes topics into tables of a SQLite file, exactly once: rows and position in one transaction of that file.
final class SqliteSink: SinkConnector {
    private var config: ConfigMap?

    func validate(_ config: Config) -> [ConfigProblem] {
        (try? SqliteSinkPlan(config))?.rows.problems(config) ?? []
    }

    func check(_ request: CheckRequest) -> [CheckFinding] { (try? SqliteSinkPlan(request.config)).map { SqliteSinkCheck.findings($0, request) } ?? [] }

    func start(_ config: Config, context: any ConnectorContext) throws { self.config = config.map }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { Array(repeating: $0, count: max(1, maximum)) } ?? [] }
    func stop() { config = nil }
    func makeTask() -> any SinkTask { SqliteSinkTask() }
    /// Position and rows change in one transaction that asks for the claim's epoch: a former run that still writes is refused.
    func fencesByEpoch(_ config: Config) -> Bool { true }

    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool {
        let plan = try SqliteSinkPlan(config)
        // A file that is not there has no position to move.
        guard FileIdentity(plan.path) != nil else { return true }
        try translatingSQLite("cannot move the position", file: plan.path) {
            let database = try Database(path: plan.path, mode: .readWrite, busyTimeout: Int32(clamping: plan.rows.lockMilliseconds))
            defer { database.close() }
            try database.setNoCheckpointOnClose(true)
            try database.transaction(.immediate) {
                for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
                    try SqlitePositions.move(database, connector: context.connector, partition, to: offset)
                }
            }
        }
        return true
    }
}
