import ConnectRuntime

extension Plugin {
    /// A sink that is its task alone, without settings: what tests keep books with.
    static func sink(named name: Name, _ makeTask: @escaping @Sendable () -> any SinkTask) -> Plugin {
        Plugin([name], version: "1.0.0", definition: ConfigDefinition(), summary: "For a test.", factory: .sink { OneTaskSink(makeTask) })
    }
}

private final class OneTaskSink: SinkConnector {
    private let make: @Sendable () -> any SinkTask
    init(_ make: @escaping @Sendable () -> any SinkTask) { self.make = make }
    func start(_ config: Config, context: any ConnectorContext) throws {}
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { [ConfigMap()] }
    func stop() {}
    func makeTask() -> any SinkTask { make() }
}
