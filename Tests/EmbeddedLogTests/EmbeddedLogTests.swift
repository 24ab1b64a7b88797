import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Testing

@Suite struct EmbeddedLogTests {
    private func records(_ values: [String], timestamp: Int64 = 1) -> RecordSet {
        var set = RecordSet()
        for value in values { set.append(timestamp: timestamp, key: ByteSlice(Array("k".utf8)), value: ByteSlice(Array(value.utf8))) }
        return set
    }

    @Test func whatWasCommittedIsReadAgainAlsoAfterReopening() throws {
        let folder = try TemporaryFolder()
        let id: TopicID
        do {
            let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder.file("data")))
            defer { log.close() }
            id = try log.createTopic(TopicSpecification("orders", partitions: 2)).id
            let producer = try log.openProducer(ProducerID("source/a/0"))
            try producer.begin()
            try producer.append(records(["one", "two"]), to: TopicPartition("orders", 1))
            let partition = SourcePartition([("table", .string("t"))])
            try producer.storeOffsets([SourceOffsetRow(connector: "a", partition: partition, offset: SourceOffset([("seq", .integer(2))]))])
            let ticket = try producer.commit()
            guard case .durable(let first)? = ticket.wait(milliseconds: 5000) else {
                Issue.record("not durable: \(String(describing: ticket.outcome))")
                return
            }
            #expect(first == [TopicPartition("orders", 1): 0])
            #expect(try log.offsets.offset(connector: "a", partition: partition)?.json == Array("{\"seq\":2}".utf8))
            try expectRecords(log, ["one", "two"])
        }
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder.file("data")))
        defer { log.close() }
        #expect(try log.topic("orders")?.id == id)
        try expectRecords(log, ["one", "two"])
    }

    private func expectRecords(_ log: EmbeddedLog, _ expected: [String]) throws {
        let consumer = try log.openConsumer(ConsumerOptions(group: "g"))
        defer { consumer.close() }
        try consumer.subscribe(.topics(["orders"]))
        var found: [String] = []
        while found.count < expected.count {
            let events = try consumer.poll(maximumBytes: 1 << 20, milliseconds: 5000)
            if events.isEmpty { break }
            for case .records(let records) in events {
                for index in 0..<records.records.count { found.append(records.records.value(at: index)?.utf8Text ?? "?") }
            }
        }
        #expect(found == expected)
    }
}
