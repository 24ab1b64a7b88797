internal import ConnectRuntime
internal import SQLite

/// Writes topics into tables of a SQLite file, exactly once: rows and position in one transaction of that file.
final class SqliteSink: SinkConnector {
    private var config: ConfigMap?

    func validate(_ config: Config) -> [ConfigProblem] {
        guard let plan = try? SqliteSinkPlan(config) else { return [] }
        var problems: [ConfigProblem] = []
        if plan.keyMode == .none, plan.insertMode != .insert {
            problems.append(
                ConfigProblem(
                    "config.conflict", "pk.mode", "insert.mode=\(plan.insertMode.rawValue) needs a key, but pk.mode is none",
                    suggestion: "set pk.mode=record_key or record_value, or insert.mode=insert"))
        }
        if plan.keyMode == .kafka, plan.keyFields.count != 3 {
            problems.append(ConfigProblem("config.conflict", "pk.fields", "pk.mode=kafka takes three names: for topic, partition and offset"))
        }
        if plan.deletes, plan.keyMode == .none || plan.keyMode == .kafka {
            let isWritten = config.map.text("delete.enabled") != nil
            problems.append(
                ConfigProblem(
                    "config.conflict", "delete.enabled", "deletions need a key from the record, but pk.mode is \(plan.keyMode.rawValue)",
                    suggestion: "set delete.enabled=false, or pk.mode=record_key", isWarning: !isWritten))
        }
        return problems
    }

    func check(_ config: Config) -> [ConfigProblem] { (try? SqliteSinkPlan(config)).map { SqliteSinkCheck.problems($0.path) } ?? [] }

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
            let database = try Database(path: plan.path, mode: .readWrite, busyTimeout: Int32(clamping: plan.lockMilliseconds))
            defer { database.close() }
            try database.setNoCheckpointOnClose(true)
            try database.transaction(.immediate) {
                for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
                    try SinkOffsets.move(database, connector: context.connector, partition, to: offset)
                }
            }
        }
        return true
    }
}
