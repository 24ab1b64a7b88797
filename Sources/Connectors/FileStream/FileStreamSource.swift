internal import ConnectRuntime

/// Reads one file line by line into a topic. Always one task: a file has one end.
final class FileStreamSource: SourceConnector {
    private var config: ConfigMap?

    func check(_ request: CheckRequest) -> [CheckFinding] {
        do { return FileStreamCheck.source(try request.config.value(FileStreamSettings.sourceFile)) } catch { return [] }
    }

    func start(_ config: Config, context: any ConnectorContext) throws { self.config = config.map }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { [$0] } ?? [] }
    func stop() { config = nil }
    func makeTask() -> any SourceTask { FileStreamSourceTask() }

    /// The standard input cannot be read again.
    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport {
        ((try? config.value(FileStreamSettings.sourceFile)) ?? nil) == nil ? .unsupported : .supported
    }

    func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool {
        guard try config.value(FileStreamSettings.sourceFile) != nil else {
            throw Self.refusal("the standard input has no offsets that could be changed")
        }
        for (partition, offset) in offsets {
            // A reset removes whatever is stored, also what nobody understands any more.
            guard let offset else { continue }
            guard let members = try? JSON.parse(partition.json), members["filename"]?.text != nil else {
                throw Self.refusal("Partition objects should contain the key 'filename'")
            }
            guard let position = try offset.members()["position"] else { throw Self.refusal("Offset objects should contain the key 'position'") }
            guard let value = position.int64 else { throw Self.refusal("The value for the 'position' key in the offset is expected to be a Long value") }
            if value < 0 { throw Self.refusal("The value for the 'position' key in the offset should be a non-negative value") }
        }
        return true
    }

    private static func refusal(_ message: String) -> ConnectError { ConnectError(.configuration, code: "offset.malformed", message) }
}
