import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Testing

/// What a consumer holds does not grow with the partitions that are behind (P7).
@Suite struct ConsumerMemoryTests {
    @Test func manyPartitionsThatAreBehindHoldAFewReads() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            var options = EmbeddedLogOptions(folder: folder.file("data"))
            options.readByteLimit = 64 << 10
            let log = try EmbeddedLog.open(options)
            defer { log.close() }
            let partitions: Int32 = 24
            _ = try log.createTopic(TopicSpecification("t", partitions: partitions))
            let producer = try log.openProducer(ProducerID("p"))
            for number in 0..<12 {
                try producer.begin()
                for partition in 0..<partitions { try producer.append(recordSet(["\(number) " + String(repeating: "x", count: 9_000)]), to: TopicPartition("t", partition)) }
                guard case .durable? = try producer.commit().wait(milliseconds: 20_000) else { throw LogError(.fatal, "not durable") }
            }
            let consumer = try log.openConsumer(ConsumerOptions(group: "g"))
            defer { consumer.close() }
            try consumer.subscribe(.topics(["t"]))
            var found: [TopicPartition: [Int64]] = [:]
            var most = 0, count = 0
            while count < 12 * Int(partitions) {
                let events = try consumer.poll(maximumBytes: 30_000, milliseconds: 5000)
                if events.isEmpty { break }
                for case .records(let records) in events {
                    found[records.topicPartition, default: []] += records.records.items.map(\.offset)
                    count += records.records.count
                }
                most = max(most, try #require(EmbeddedLog.heldBytes(consumer)))
            }
            #expect(most > 0 && most <= 4 * options.readByteLimit, "\(most) bytes")
            for partition in 0..<partitions { #expect(found[TopicPartition("t", partition)] == Array(0..<12)) }
            #expect(EmbeddedLog.heldBytes(consumer) == 0)
        }
    }
}
