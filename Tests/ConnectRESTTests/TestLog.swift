import ConnectRuntime
import ConnectTesting
import EmbeddedLog

/// A real log in a folder of its own, both gone with this object.
final class TestLog: Sendable {
    let folder: TemporaryFolder
    let log: EmbeddedLog

    /// - Parameter change: changes the log's options.
    init(in folder: TemporaryFolder? = nil, _ change: (inout EmbeddedLogOptions) -> Void = { _ in }) throws {
        self.folder = try folder ?? TemporaryFolder()
        var options = EmbeddedLogOptions(folder: self.folder.file("data"))
        change(&options)
        log = try EmbeddedLog.open(options)
    }

    deinit { log.close() }

    /// Appends records of one partition, durably.
    func append(_ topic: Name, partition: Int32 = 0, _ records: [(key: String?, value: [UInt8]?)], headers: [RawHeader] = []) throws {
        if try log.topic(topic) == nil { _ = try log.createTopic(TopicSpecification(topic, partitions: max(1, partition + 1))) }
        let producer = try log.openProducer(ProducerID("test"))
        defer { producer.close() }
        var set = RecordSet()
        for record in records {
            set.append(timestamp: 1_700_000_000_000, key: record.key.map { ByteSlice(Array($0.utf8)) }, value: record.value.map { ByteSlice($0) }, headers: headers)
        }
        try producer.begin()
        try producer.append(set, to: TopicPartition(topic, partition))
        guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw LogError(.fatal, "the append failed") }
    }
}
