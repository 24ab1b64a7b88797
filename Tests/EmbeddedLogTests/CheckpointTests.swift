import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Glibc
import SQLite
import Synchronization
import Testing

/// Pages that were copied ahead of a checkpoint: the file holds what it would hold without, at every moment.
@Suite(.serialized) struct CheckpointTests {
    private static let places = [TopicPartition("kept", 0), TopicPartition("short", 0), TopicPartition("short", 1)]

    /// Batches of every size, so that pages of one row, of parts of rows and of the freelist come in all orders; some of them are deleted again.
    @Test(arguments: [1, 2] as [UInt64], [true, false]) func everyRecordIsThereAfterEveryCheckpoint(seed: UInt64, deletes: Bool) async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            var random = RandomNumbers(seed: seed)
            var options = EmbeddedLogOptions(folder: temporary.file("data"))
            options.walByteLimit = 6 << 20
            // The files are copied as a kill would leave them only while nobody writes, retention either.
            options.maintenanceIntervalMilliseconds = deletes ? 20 : 3_600_000
            let log = try EmbeddedLog.open(options)
            _ = try log.createTopic(TopicSpecification("kept"))
            _ = try log.createTopic(TopicSpecification("short", partitions: 2, configuration: TopicConfiguration(retentionBytes: 1 << 20)))
            let producer = try log.openProducer(ProducerID("p"))
            var expected: [String] = [], tickets: [CommitTicket] = []
            for round in 0..<300 {
                try producer.begin()
                for place in Self.places where place.topic == "kept" || Bool.random(using: &random) {
                    let size = [10, 3000, 40_000, 150_000].randomElement(using: &random) ?? 10
                    let value = "\(round) " + String(repeating: "\(round % 10)", count: size)
                    try producer.append(recordSet([value]), to: place)
                    if place.topic == "kept" { expected.append("\(round):=\(value)") }
                }
                tickets.append(try producer.commit())
                // Readers that go to the file take turns with the writer.
                if round % 40 == 39 { #expect(try log.everything(in: Self.places[0]).count <= round + 1) }
                if tickets.count == 8 { guard case .durable? = tickets.removeFirst().wait(milliseconds: 20_000) else { throw LogError(.fatal, "not durable") } }
                if round == 200, !deletes {
                    for ticket in tickets { _ = ticket.wait(milliseconds: 20_000) }
                    copyFiles(from: temporary.file("data"), to: temporary.file("killed"), DamageTests.files)
                }
            }
            for ticket in tickets { guard case .durable? = ticket.wait(milliseconds: 20_000) else { throw LogError(.fatal, "not durable") } }
            #expect(log.pagesLeftOut > 100)
            #expect(try log.everything(in: Self.places[0]) == expected)
            log.close()
            for (folder, count) in deletes ? [("data", 300)] : [("data", 300), ("killed", 201)] {
                let again = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file(folder)))
                #expect(try again.everything(in: Self.places[0]) == Array(expected.prefix(count)), "\(folder)")
                for place in Self.places.dropFirst() { #expect(try !again.everything(in: place).isEmpty, "\(folder) \(place)") }
                again.close()
                let database = try Database(path: temporary.file("\(folder)/topics.db"), mode: .readOnly)
                defer { database.close() }
                #expect(try database.text("PRAGMA integrity_check") == "ok", "\(folder)")
            }
        }
    }

    /// Transactions beyond SQLite's cache are spilled before their end, and some of their pages are written twice.
    @Test func transactionsBeyondTheCacheAreWhole() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            var options = EmbeddedLogOptions(folder: temporary.file("data"))
            options.walByteLimit = 40 << 20
            let log = try EmbeddedLog.open(options)
            _ = try log.createTopic(TopicSpecification("kept"))
            let producer = try log.openProducer(ProducerID("p"))
            func offset(_ number: Int) -> SourceOffsetRow {
                SourceOffsetRow(connector: "a", partition: SourcePartition([("t", .integer(1))]), offset: SourceOffset([("seq", .integer(Int64(number)))]))
            }
            var expected: [String] = [], tickets: [CommitTicket] = []
            for round in 0..<12 {
                try producer.begin()
                try producer.storeOffsets([offset(-round)])
                try producer.storeSchemas([StoredSchema(id: SchemaID(UInt64(round)), json: Array("{\"n\":\(round)}".utf8))])
                for part in 0..<(round % 3 == 0 ? 30 : 2) {
                    let value = "\(round) \(part) " + String(repeating: "\(part % 10)", count: 400_000)
                    expected.append("\(expected.count):=\(value)")
                    try producer.append(recordSet([value]), to: Self.places[0])
                }
                try producer.storeProgress([ProgressRow(key: [UInt8(round)], value: [1])])
                try producer.storeOffsets([offset(round)])
                tickets.append(try producer.commit())
                if tickets.count == 3 { guard case .durable? = tickets.removeFirst().wait(milliseconds: 60_000) else { throw LogError(.fatal, "not durable") } }
            }
            for ticket in tickets { guard case .durable? = ticket.wait(milliseconds: 60_000) else { throw LogError(.fatal, "not durable") } }
            #expect(log.pagesLeftOut > 100)
            copyFiles(from: temporary.file("data"), to: temporary.file("killed"), DamageTests.files)
            log.close()
            for folder in ["data", "killed"] {
                let again = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file(folder)))
                #expect(try again.everything(in: Self.places[0]) == expected, "\(folder)")
                #expect(try again.progress(prefix: []).count == 12 && again.offsets.offsets(connector: "a").map { String(decoding: $0.offset.json, as: UTF8.self) } == ["{\"seq\":11}"])
                again.close()
                let database = try Database(path: temporary.file("\(folder)/topics.db"), mode: .readOnly)
                defer { database.close() }
                #expect(try database.text("PRAGMA integrity_check") == "ok", "\(folder)")
            }
        }
    }

    /// SQLite keeps the write-ahead log beside what a symbolic link leads to, and that is the file whose syncs count.
    @Test func aDatabaseMayBeASymbolicLink() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            var log = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file("data")))
            _ = try log.createTopic(TopicSpecification("kept"))
            log.close()
            mkdir(temporary.file("large"), 0o700)
            #expect(rename(temporary.file("data/topics.db"), temporary.file("large/topics.db")) == 0)
            #expect(symlink(temporary.file("large/topics.db"), temporary.file("data/topics.db")) == 0)
            // As whoever moved it may have left it.
            writeFile(temporary.file("data/topics.db-wal"), [UInt8](repeating: 7, count: 1 << 20))
            let synced = Mutex<Set<UInt>>([])
            var options = EmbeddedLogOptions(folder: temporary.file("data"))
            options.synchronizing = { descriptor in
                var information = stat()
                if fstat(descriptor, &information) == 0 { synced.withLock { _ = $0.insert(information.st_ino) } }
                return fdatasync(descriptor)
            }
            log = try EmbeddedLog.open(options)
            let producer = try log.openProducer(ProducerID("p"))
            try log.commit(recordSet(["a"]), to: Self.places[0], by: producer)
            var information = stat()
            #expect(stat(temporary.file("large/topics.db-wal"), &information) == 0)
            #expect(synced.withLock { $0 } == [information.st_ino])
            log.close()
            log = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file("data")))
            defer { log.close() }
            #expect(try log.everything(in: Self.places[0]) == ["0:=a"])
        }
    }
}
