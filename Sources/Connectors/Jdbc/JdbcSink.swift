internal import ConnectRuntime

/// Another product's JDBC sink, run by the sink of the database that its URL names.
final class JdbcSink: SinkConnector {
    private let dialect: JdbcSinkDialect
    private var config: ConfigMap?

    init(_ dialect: JdbcSinkDialect) { self.dialect = dialect }

    func validate(_ config: Config) -> [ConfigProblem] {
        var problems = dialect.problems(config)
        do {
            let (connector, translated, found) = try JdbcSink.inner(dialect, config)
            problems += found + (found.contains { !$0.isWarning } ? [] : connector.validate(translated))
        } catch {
            let cause = ConnectError(error)
            problems.append(ConfigProblem(cause.code, JdbcSinkDialect.url.name, cause.message, suggestion: cause.suggestion))
        }
        return problems
    }

    func check(_ request: CheckRequest) -> [CheckFinding] {
        guard let (connector, translated, _) = try? JdbcSink.inner(dialect, request.config) else { return [] }
        return connector.check(request.with(translated))
    }

    func start(_ config: Config, context: any ConnectorContext) throws {
        for problem in dialect.problems(config) where problem.isWarning { context.logger.info(problem.message) }
        self.config = config.map
    }

    func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { Array(repeating: $0, count: max(1, maximum)) } ?? [] }
    func stop() { config = nil }
    func makeTask() -> any SinkTask { JdbcSinkTask(dialect) }
    func fencesByEpoch(_ config: Config) -> Bool { true }

    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool {
        let (connector, translated, _) = try JdbcSink.inner(dialect, config)
        return try connector.alterOffsets(translated, offsets, context: context)
    }

    /// The sink that does the work, with its configuration.
    static func inner(_ dialect: JdbcSinkDialect, _ config: Config) throws -> (connector: any SinkConnector, config: Config, problems: [ConfigProblem]) {
        let (target, map) = try dialect.translated(config)
        switch target {
        case .postgres:
            let (parsed, problems) = PostgresSinkSettings.definition.parse(map)
            return (PostgresSink(), parsed, problems)
        case .sqlite:
            let (parsed, problems) = SqliteSinkSettings.definition.parse(map)
            return (SqliteSink(), parsed, problems)
        }
    }
}

/// The task of the sink that does the work, with the other product's limit of retries.
final class JdbcSinkTask: SinkTask {
    private let dialect: JdbcSinkDialect
    private var inner: (any SinkTask)?
    private var context: (any SinkTaskContext)?
    private var mostRetries = 0
    private var wait = 0
    private var failures = 0

    init(_ dialect: JdbcSinkDialect) { self.dialect = dialect }

    func start(_ config: Config, context: any SinkTaskContext) throws {
        mostRetries = try config.value(dialect.retries)
        wait = try config.value(dialect.retryWait)
        let (connector, translated, problems) = try JdbcSink.inner(dialect, config)
        if let problem = problems.first(where: { !$0.isWarning }) {
            throw ConnectError(.configuration, code: problem.code, problem.message, suggestion: problem.suggestion)
        }
        self.context = context
        let task = connector.makeTask()
        inner = task
        try task.start(translated, context: context)
    }

    func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] { try inner?.open(partitions) ?? [:] }

    func put(_ batch: RecordBatch) throws {
        do {
            try inner?.put(batch)
            failures = 0
        } catch let error as ConnectError where error.kind == .retriable {
            failures += 1
            if failures > mostRetries {
                throw ConnectError(
                    .fatal, code: "sink.retries_exhausted", "gave up after \(mostRetries) retries: \(error.message)",
                    suggestion: error.suggestion ?? "raise \(dialect.retries.name), then restart the task", causes: error.causes)
            }
            context?.setTimeout(milliseconds: wait)
            throw error
        }
    }

    func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] { try inner?.preCommit(offsets) ?? [:] }
    func close(_ partitions: [TopicPartition], lost: Bool) { inner?.close(partitions, lost: lost) }
    func stop() {
        inner?.stop()
        inner = nil
    }
}
