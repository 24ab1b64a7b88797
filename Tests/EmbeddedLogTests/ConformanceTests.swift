import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Testing

/// The embedded log keeps every promise of the contracts.
@Suite(.serialized) struct ConformanceTests {
    private static func options(_ folder: TemporaryFolder) -> EmbeddedLogOptions {
        var options = EmbeddedLogOptions(folder: folder.file("data"))
        options.transactionByteLimit = 4 << 20
        return options
    }

    @Test(arguments: TopicLogConformance.cases)
    func topicLog(_ promise: ConformanceCase<TopicLogSubject>) async throws {
        let folder = try TemporaryFolder()
        try await onThread { try promise.run(TopicLogSubject { try EmbeddedLog.open(Self.options(folder)) }) }
    }
}
