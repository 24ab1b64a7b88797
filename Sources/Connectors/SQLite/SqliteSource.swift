internal import ConnectRuntime

/// Tails the tables of a SQLite file into topics. One task: one reader is what a file takes.
final class SqliteSource: SourceConnector {
    private var config: ConfigMap?

    func validate(_ config: Config) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        do {
            if try config.value(SqliteSourceSettings.prune), try config.value(SqliteSourceSettings.capture) == .events {
                problems.append(
                    ConfigProblem("config.conflict", "prune", "prune deletes change rows of ours; with capture=events the rows are yours", suggestion: "leave prune off"))
            }
            _ = try TableSelection(include: config.value(SqliteSourceSettings.include), exclude: config.value(SqliteSourceSettings.exclude))
        } catch {
            problems.append(ConfigProblem("config.invalid_value", "table.include.list", "\(error)"))
        }
        return problems
    }

    func check(_ request: CheckRequest) -> [CheckFinding] { (try? SqliteSourceCheck(request))?.findings() ?? [] }

    func start(_ config: Config, context: any ConnectorContext) throws { self.config = config.map }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { [$0] } ?? [] }
    func stop() { config = nil }
    func makeTask() -> any SourceTask { SqliteSourceTask() }
    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport { .supported }

    func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool {
        for (partition, offset) in offsets {
            guard let json = try? JSON.parse(partition.json), json["table"]?.text != nil else {
                throw ConnectError(
                    .configuration, code: "offset.malformed", "partition \(String(decoding: partition.json, as: UTF8.self)) should contain the key 'table'")
            }
            if let offset { _ = try SqlitePosition(offset) }
        }
        return true
    }
}
