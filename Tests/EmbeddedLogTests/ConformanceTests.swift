import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Testing

/// The embedded log keeps every promise of the contracts.
@Suite(.serialized) struct ConformanceTests {
    private static func open(_ folder: TemporaryFolder) throws -> EmbeddedLog {
        var options = EmbeddedLogOptions(folder: folder.file("data"))
        options.transactionByteLimit = 4 << 20
        return try EmbeddedLog.open(options)
    }

    @Test(arguments: TopicLogConformance.cases + OffsetStoreConformance.cases)
    func topicLog(_ promise: ConformanceCase<TopicLogSubject>) async throws {
        let folder = try TemporaryFolder()
        try await onThread { try promise.run(TopicLogSubject { try Self.open(folder) }) }
    }

    @Test(arguments: ConfigStoreConformance.cases)
    func configStore(_ promise: ConformanceCase<ConfigStoreSubject>) async throws {
        let folder = try TemporaryFolder()
        try await onThread {
            try promise.run(
                ConfigStoreSubject {
                    let log = try Self.open(folder)
                    return (log.configStore, { log.close() })
                })
        }
    }

    @Test(arguments: StatusStoreConformance.cases)
    func statusStore(_ promise: ConformanceCase<StatusStoreSubject>) throws { try promise.run(StatusStoreSubject { MemoryStatusStore() }) }
}
