internal import ConnectRuntime

/// Another product's JDBC source, run by the source of the database that its URL names.
final class JdbcSource: SourceConnector {
    private let dialect: JdbcSourceDialect
    private let postgres: PostgresSource
    private var config: Config?

    init(_ dialect: JdbcSourceDialect) {
        self.dialect = dialect
        postgres = PostgresSource(JdbcSource.postgresDialect(dialect))
    }

    static func postgresDialect(_ dialect: JdbcSourceDialect) -> PostgresSource.Dialect {
        PostgresSource.Dialect(options: { try dialect.postgres($0) }, problems: { dialect.problems($0) }, name: JdbcSource.name)
    }

    /// Tables are named by either of two settings.
    private static func name(_ setting: Name, _ map: ConfigMap) -> Name {
        setting == JdbcSourceDialect.include.name && map.text(setting) == nil ? JdbcSourceDialect.whitelist.name : setting
    }

    func validate(_ config: Config) -> [ConfigProblem] {
        do {
            switch try dialect.target(config) {
            case .postgres: return postgres.validate(config)
            case .sqlite: return dialect.problems(config) + SqliteSource().validate(try dialect.sqlite(config))
            }
        } catch {
            let cause = ConnectError(error)
            return [ConfigProblem(cause.code, JdbcSourceDialect.mode.name, cause.message, suggestion: cause.suggestion)]
        }
    }

    func check(_ request: CheckRequest) -> [CheckFinding] {
        guard let target = try? dialect.target(request.config) else { return [] }
        switch target {
        case .postgres: return postgres.check(request)
        case .sqlite: return (try? dialect.sqlite(request.config)).map { SqliteSource().check(request.with($0)) }?.map { $0.under(JdbcSource.name($0.setting, request.config.map)) } ?? []
        }
    }

    func start(_ config: Config, context: any ConnectorContext) throws {
        for problem in dialect.problems(config) where problem.isWarning { context.logger.info(problem.message) }
        self.config = config
        if try dialect.target(config) == .postgres { try postgres.start(config, context: context) }
    }

    func taskConfigs(maximum: Int) throws -> [ConfigMap] {
        guard let config else { return [] }
        return try dialect.target(config) == .postgres ? postgres.taskConfigs(maximum: maximum) : [config.map]
    }

    func stop() {
        postgres.stop()
        config = nil
    }

    func makeTask() -> any SourceTask { JdbcSourceTask(dialect) }

    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport {
        guard let target = try? dialect.target(config) else { return .unknown }
        return target == .postgres ? postgres.exactlyOnceSupport(config) : .supported
    }

    func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool {
        switch try dialect.target(config) {
        case .postgres: try postgres.alterOffsets(config, offsets)
        case .sqlite: try SqliteSource().alterOffsets(try dialect.sqlite(config), offsets)
        }
    }
}

/// The task of the source that does the work.
final class JdbcSourceTask: SourceTask {
    private let dialect: JdbcSourceDialect
    private var inner: (any SourceTask)?

    init(_ dialect: JdbcSourceDialect) { self.dialect = dialect }

    func start(_ config: Config, context: any SourceTaskContext) throws {
        switch try dialect.target(config) {
        case .postgres:
            let task = PostgresTask(JdbcSource.postgresDialect(dialect))
            inner = task
            try task.start(config, context: context)
        case .sqlite:
            let task = SqliteSourceTask(isJDBC: true)
            inner = task
            try task.start(try dialect.sqlite(config), context: context)
        }
    }

    func poll(into batch: inout RecordBatch) throws { try inner?.poll(into: &batch) }
    func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws { try inner?.committed(offsets) }
    func stop() { inner?.stop() }
}
