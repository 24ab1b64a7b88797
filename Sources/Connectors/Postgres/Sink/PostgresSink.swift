internal import ConnectRuntime
internal import Postgres

/// Writes topics into tables of a PostgreSQL database, exactly once: rows and position in one transaction of that database.
final class PostgresSink: SinkConnector {
    private var config: ConfigMap?

    func validate(_ config: Config) -> [ConfigProblem] { (try? PostgresSinkPlan(config))?.rows.problems(config) ?? [] }
    func check(_ request: CheckRequest) -> [CheckFinding] { (try? PostgresSinkPlan(request.config)).map { PostgresSinkCheck(plan: $0, request: request).findings() } ?? [] }

    func start(_ config: Config, context: any ConnectorContext) throws { self.config = config.map }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { Array(repeating: $0, count: max(1, maximum)) } ?? [] }
    func stop() { config = nil }
    func makeTask() -> any SinkTask { PostgresSinkTask() }
    /// Position and rows change in one transaction that asks for the claim's epoch: a former run that still writes is refused.
    func fencesByEpoch(_ config: Config) -> Bool { true }

    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool {
        let plan = try PostgresSinkPlan(config)
        do {
            let connection = try PostgresSinkSession.open(plan, interruption: .none)
            defer { connection.close() }
            let positions = PostgresPositions(schema: plan.positionSchema)
            // Where nothing was ever written there is no position to move.
            guard try positions.exists(connection) else { return true }
            try connection.execute("BEGIN")
            for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
                try positions.move(connection, connector: context.connector, partition, to: offset)
            }
            try connection.execute("COMMIT")
            return true
        } catch {
            throw ConnectError.postgres(error, PostgresSinkTask.errorPrefix, "moving the position")
        }
    }
}
