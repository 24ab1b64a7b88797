internal import ConnectRuntime
internal import Postgres
internal import Synchronization

/// Tails tables of a PostgreSQL database into topics. Reaches for the server only to share tables among several tasks.
final class PostgresSource: SourceConnector {
    /// How a configuration is read: in our own words or in another product's.
    struct Dialect: Sendable {
        let options: @Sendable (Config) throws -> SourceOptions
        var problems: @Sendable (Config) -> [ConfigProblem] = { _ in [] }
        /// What a configuration calls a setting of ours.
        var name: @Sendable (Name, ConfigMap) -> Name = { name, _ in name }
        static let own = Dialect(options: { try SourceOptions($0) })
    }

    private let dialect: Dialect
    private var config: Config?
    private var context: (any ConnectorContext)?
    private let watch = TableWatch()

    init(_ dialect: Dialect = .own) { self.dialect = dialect }

    func validate(_ config: Config) -> [ConfigProblem] {
        let problems = dialect.problems(config)
        do {
            return problems + PostgresSource.problems(try dialect.options(config))
        } catch {
            let cause = ConnectError(error)
            return problems + [ConfigProblem("config.invalid_value", "table.include.list", cause.message, suggestion: cause.suggestion)]
        }
    }

    /// What a mode cannot do, and what it needs.
    static func problems(_ options: SourceOptions) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        if let warning = options.mode.warning { problems.append(ConfigProblem("config.may_lose_rows", "mode", warning, isWarning: true)) }
        if options.mode == .timestamp || options.mode == .timestampIncrementing, options.rows.timestampColumns.isEmpty {
            problems.append(
                ConfigProblem(
                    "config.missing", "timestamp.column.name", "mode=\(options.mode.rawValue) needs timestamp.column.name",
                    suggestion: "name the columns that tell when a row was last changed"))
        }
        return problems
    }

    func check(_ request: CheckRequest) -> [CheckFinding] {
        guard let options = try? dialect.options(request.config) else { return [] }
        return PostgresSourceCheck(options: options, request: request).findings().map { $0.under(dialect.name($0.setting, request.config.map)) }
    }

    func start(_ config: Config, context: any ConnectorContext) throws {
        self.config = config
        self.context = context
    }

    /// One task takes everything; several share the tables, which needs their list.
    func taskConfigs(maximum: Int) throws -> [ConfigMap] {
        guard let config else { return [] }
        if maximum <= 1 { return [config.map] }
        let options = try dialect.options(config)
        let mine: [Name]
        do {
            mine = try TableWatch.tables(options, context)
        } catch {
            throw ConnectError.postgres(error, PostgresSourceTask.errorPrefix, "listing tables")
        }
        if let context { try watch.start(options, known: mine, context: context) }
        return PostgresSource.shares(of: mine, among: maximum).map { share in
            var map = config.map
            map[SourceOptions.shareKey] = JSON.array(share.map { .string($0.text) }).serializedText
            return map
        }
    }

    /// Deals tables out, one each in turn, so that a table that comes later moves as few as may be.
    static func shares(of tables: [Name], among maximum: Int) -> [[Name]] {
        let count = max(1, min(maximum, tables.count))
        var shares = [[Name]](repeating: [], count: count)
        for (index, table) in tables.sorted().enumerated() { shares[index % count].append(table) }
        return shares
    }

    func stop() {
        watch.stop()
        config = nil
        context = nil
    }

    func makeTask() -> any SourceTask { PostgresTask(dialect) }

    /// A whole table read again and again has no offset to go on from.
    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport {
        guard let options = try? dialect.options(config) else { return .unknown }
        return options.mode == .bulk ? .unsupported : .supported
    }

    func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool {
        for (partition, offset) in offsets {
            let json = try? JSON.parse(partition.json)
            // The JDBC source's modes have its own partitions.
            let members: [Name] = json?["protocol"] == nil ? ["database", "schema", "table"] : ["table"]
            for member in members where json?[member]?.text == nil {
                throw ConnectError(
                    .configuration, code: "offset.malformed", "partition \(String(decoding: partition.json, as: UTF8.self)) should contain the key '\(member)'")
            }
            if let offset { try PostgresSource.check(offset, isKeyset: json?["protocol"] != nil) }
        }
        return true
    }

    private static func check(_ offset: SourceOffset, isKeyset: Bool) throws {
        if isKeyset {
            _ = try RowPosition.Keyset(offset)
        } else if try offset.members()["fence"] != nil {
            _ = try RowPosition.Fence(offset)
        } else if try offset.members()["of"] != nil {
            _ = try EventTail.position(offset)
        } else {
            _ = try TailPosition(offset)
        }
    }
}
