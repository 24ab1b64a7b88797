import ConnectRuntime

/// Posts records to an HTTP endpoint: a webhook, an API.
final class HttpSinkConnector: SinkConnector {
    private var map = ConfigMap()

    func validate(_ config: Config) -> [ConfigProblem] { HttpConfiguration.problems(config) }

    func check(_ request: CheckRequest) -> [CheckFinding] { (try? HttpConfiguration(request.config)).map(HttpSinkCheck.findings) ?? [] }

    func start(_ config: Config, context: any ConnectorContext) throws {
        _ = try HttpConfiguration(config)
        map = config.map
    }

    func taskConfigs(maximum: Int) throws -> [ConfigMap] { Array(repeating: map, count: max(1, maximum)) }
    func stop() {}
    func makeTask() -> any SinkTask { HttpSinkTask() }
    /// The position is the group's alone.
    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool { true }
}
