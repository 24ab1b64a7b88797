internal import ConnectRuntime

/// Appends values to a file, one line each.
final class FileStreamSink: SinkConnector {
    private var config: ConfigMap?

    func check(_ request: CheckRequest) -> [CheckFinding] {
        do { return FileStreamCheck.sink(try request.config.value(FileStreamSettings.sinkFile)) } catch { return [] }
    }

    func start(_ config: Config, context: any ConnectorContext) throws { self.config = config.map }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { Array(repeating: $0, count: max(1, maximum)) } ?? [] }
    func stop() { config = nil }
    func makeTask() -> any SinkTask { FileStreamSinkTask() }
    /// The position is the group's alone.
    func alterOffsets(_ config: Config, _ offsets: [TopicPartition: Int64?], context: any ConnectorContext) throws -> Bool { true }
}
