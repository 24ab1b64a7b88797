import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import SQLite
import Testing

/// Retention, compaction and removed topics.
@Suite(.serialized) struct MaintenanceTests {
    private static let place = TopicPartition("t", 0)

    /// - Parameter interval: long where a test wants to fill a log before anything is removed from it.
    private func open(_ folder: TemporaryFolder, _ clock: any WorkerClock = SystemClock(), interval: Int = 10) throws -> EmbeddedLog {
        var options = EmbeddedLogOptions(folder: folder.file("data"))
        options.maintenanceIntervalMilliseconds = interval
        options.tombstoneRetentionMilliseconds = 60_000
        options.clock = clock
        return try EmbeddedLog.open(options)
    }

    private func until(_ what: String, _ body: () throws -> Bool) throws {
        let clock = SystemClock(), start = clock.monotonicNanoseconds(), never = WakeUp()
        while try !body() {
            if clock.monotonicNanoseconds() &- start > 20_000_000_000 { throw LogError(.fatal, "waited in vain until \(what)") }
            _ = never.wait(milliseconds: 5)
        }
    }

    @Test func recordsGoWhenTheyAreOldAndTheBoundsSaySo() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), clock = ShiftedClock()
            let log = try open(folder, clock)
            _ = try log.createTopic(TopicSpecification("t", configuration: TopicConfiguration(retentionMilliseconds: 3_600_000)))
            let producer = try log.openProducer(ProducerID("p"))
            for number in 0..<5 { try log.commit(recordSet(["old \(number)"]), to: Self.place, by: producer) }
            clock.move(milliseconds: 3_500_000)
            for number in 0..<3 { try log.commit(recordSet(["new \(number)"]), to: Self.place, by: producer) }
            clock.move(milliseconds: 200_000)
            try until("the old ones are gone") { try log.bounds(of: Self.place).start == 5 }
            #expect(try log.everything(in: Self.place) == ["5:=new 0", "6:=new 1", "7:=new 2"])
            let consumer = try log.openConsumer(ConsumerOptions(group: nil))
            try consumer.subscribe(.topics(["t"]))
            _ = try consumer.poll(maximumBytes: 1, milliseconds: 1000)
            let refusal = #expect(throws: LogError.self) { try consumer.seek(Self.place, to: 2) }
            #expect(refusal?.kind == .offsetOutOfRange)
            clock.move(milliseconds: 36_000_000)
            try until("all are gone") { try log.bounds(of: Self.place).start == 8 }
            // A clock that goes back gives no earlier append time: the next record is as young as the newest before it.
            clock.move(milliseconds: -50_000_000)
            try log.commit(recordSet(["after"]), to: Self.place, by: producer)
            consumer.close()
            log.close()
            let again = try open(folder, clock)
            defer { again.close() }
            #expect(try again.everything(in: Self.place) == ["8:=after"])
            #expect(try again.bounds(of: Self.place).byteCount > 0)
        }
    }

    @Test func aReaderThatRetentionOvertookIsTold() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let log = try open(folder)
            defer { log.close() }
            _ = try log.createTopic(TopicSpecification("t", configuration: TopicConfiguration(retentionBytes: 5000)))
            let producer = try log.openProducer(ProducerID("p"))
            let consumer = try log.openConsumer(ConsumerOptions(group: "g"))
            try consumer.subscribe(.topics(["t"]))
            _ = try consumer.poll(maximumBytes: 1, milliseconds: 1000)
            for _ in 0..<20 { try log.commit(recordSet([String(repeating: "x", count: 1000)]), to: Self.place, by: producer) }
            try until("the first are gone") { try log.bounds(of: Self.place).byteCount < 6100 }
            #expect(try log.bounds(of: Self.place).byteCount >= 5000)
            let refusal = #expect(throws: LogError.self) { try consumer.poll(maximumBytes: 1 << 20, milliseconds: 1000) }
            #expect(refusal?.kind == .offsetOutOfRange)
        }
    }

    @Test func compactionKeepsTheLastOfEachKeyAndEveryOffset() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), clock = ShiftedClock()
            var log = try open(folder, clock, interval: 3_600_000)
            _ = try log.createTopic(TopicSpecification("t", configuration: TopicConfiguration(isCompacted: true)))
            let producer = try log.openProducer(ProducerID("p"))
            var expected: [String: String] = [:]
            for round in 0..<50 {
                var set = RecordSet()
                for number in 0..<4 {
                    let key = "k\((round * 7 + number) % 10)"
                    let value: String? = round % 9 == 3 && number == 0 ? nil : "\(round)-\(number)"
                    set.append(timestamp: 5, key: ByteSlice(Array(key.utf8)), value: value.map { ByteSlice(Array($0.utf8)) })
                    expected[key] = "\(round * 4 + number):\(key)=\(value ?? "null")"
                }
                try log.commit(set, to: Self.place, by: producer)
            }
            let last = expected.values.sorted { (Int($0.split(separator: ":")[0]) ?? 0) < (Int($1.split(separator: ":")[0]) ?? 0) }
            log.close()
            log = try open(folder, clock)
            try until("only the last of each key is left") { try log.everything(in: Self.place) == last }
            #expect(try log.bounds(of: Self.place).start == 0)
            #expect(try log.bounds(of: Self.place).end == 200)
            // Any offset can still be asked for, also one whose record is gone.
            let consumer = try log.openConsumer(ConsumerOptions(group: nil))
            try consumer.subscribe(.topics(["t"]))
            _ = try consumer.poll(maximumBytes: 1, milliseconds: 1000)
            for offset in 0..<Int64(200) {
                try consumer.seek(Self.place, to: offset)
                var first: Int64?
                while first == nil, try consumer.position(Self.place) < 200 {
                    for case .records(let records) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 1000) { first = first ?? records.records.items.first?.offset }
                }
                #expect(first == last.compactMap { Int64($0.split(separator: ":")[0]) }.first { $0 >= offset })
            }
            consumer.close()
            log.close()
            log = try open(folder, clock)
            defer { log.close() }
            #expect(try log.everything(in: Self.place) == last)
            #expect(throws: LogError.self) { try log.commit(recordSet(["no key"]), to: Self.place, by: log.openProducer(ProducerID("p"))) }
        }
    }

    @Test func tombstonesGoInTheEnd() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), clock = ShiftedClock()
            let log = try open(folder, clock, interval: 3_600_000)
            _ = try log.createTopic(TopicSpecification("t", configuration: TopicConfiguration(isCompacted: true)))
            let producer = try log.openProducer(ProducerID("p"))
            var set = RecordSet()
            set.append(timestamp: 5, key: ByteSlice([97]), value: ByteSlice([49]))
            set.append(timestamp: 5, key: ByteSlice([97]), value: nil)
            try log.commit(set, to: Self.place, by: producer)
            clock.move(milliseconds: 120_000)
            for _ in 0..<6 { try log.commit(recordSet(["x"], key: { _ in "b" }), to: Self.place, by: producer) }
            log.close()
            let again = try open(folder, clock)
            defer { again.close() }
            try until("the tombstone is gone") { try again.everything(in: Self.place) == ["7:b=x"] }
        }
    }

    @Test func aRemovedTopicsRecordsGoFromTheFile() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let log = try open(folder)
            _ = try log.createTopic(TopicSpecification("t", partitions: 2))
            _ = try log.createTopic(TopicSpecification("u"))
            let producer = try log.openProducer(ProducerID("p"))
            for number in 0..<300 { try log.commit(recordSet(["\(number) " + String(repeating: "x", count: 20_000)]), to: TopicPartition("t", Int32(number % 2)), by: producer) }
            try log.deleteTopic("t")
            log.close()
            let path = folder.file("data/topics.db"), before = fileSize(path), never = WakeUp()
            try until("their pages are free") {
                let cleaning = try open(folder)
                _ = never.wait(milliseconds: 50)
                cleaning.close()
                let database = try Database(path: path, mode: .readOnly)
                defer { database.close() }
                return try database.integer("PRAGMA freelist_count") ?? 0 >= 150
            }
            // They are used again: the file does not grow.
            let again = try open(folder)
            let session = try again.openProducer(ProducerID("p"))
            for number in 0..<200 { try again.commit(recordSet(["\(number) " + String(repeating: "y", count: 20_000)]), to: TopicPartition("u", 0), by: session) }
            again.close()
            #expect(fileSize(path) <= before + 200_000)
        }
    }
}
