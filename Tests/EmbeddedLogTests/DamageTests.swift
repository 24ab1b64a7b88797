import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Glibc
import Testing

/// P6: whatever happens to the files of a log, opening it and reading everything gives exactly the right records or a clear error.
@Suite(.serialized) struct DamageTests {
    static let files = ["topics.db", "topics.db-wal", "topics.marker", "topics.lock"]
    static let isFull = getenv("CONNECTD_TEST_FULL") != nil

    /// What a whole log answers.
    struct Content: Equatable {
        var topics: [String] = []
        var records: [[String]] = []
        var bounds: [PartitionBounds] = []
        var offsets: [String] = []
        var progress: [ProgressRow] = []
        var groups: [TopicPartition: CommittedOffset] = [:]
        var schema: [UInt8]?
        var configs = ConfigSnapshot()

        init(_ log: EmbeddedLog) throws {
            topics = try log.topics().map { "\($0.name) \($0.id) \($0.partitions) \($0.configuration)" }
            for topic in try log.topics() {
                for partition in 0..<topic.partitions {
                    let place = TopicPartition(topic.name, partition)
                    bounds.append(try log.bounds(of: place))
                    records.append(try log.everything(in: place))
                }
            }
            offsets = try log.offsets.offsets(connector: "a").map { String(decoding: $0.partition.json + $0.offset.json, as: UTF8.self) }
            progress = try log.progress(prefix: [])
            groups = try log.committedOffsets(group: "g")
            schema = try log.schemas?.schema(SchemaID(7))
            configs = try log.configStore.snapshot()
        }
    }

    /// Fills a log with some of everything; `afterwards` sees it still open.
    private func fill(_ folder: String, afterwards: (EmbeddedLog) throws -> Void) throws -> Content {
        // Two openings, so that there are two leader epochs and pages both in the database and in the write-ahead log.
        for round in 0..<2 {
            let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder))
            defer { log.close() }
            if round == 0 {
                _ = try log.createTopic(TopicSpecification("orders", partitions: 2))
                _ = try log.createTopic(TopicSpecification("items", configuration: TopicConfiguration(retentionMilliseconds: 1 << 40)))
                try log.configStore.putConnector("c", ConfigMap(["k": "v"]), targetState: .paused)
            }
            let producer = try log.openProducer(ProducerID("source/a/0"))
            for number in 0..<12 {
                try producer.begin()
                let values = (0..<20).map { "\(round) \(number) \($0) " + String(repeating: "é", count: 40) }
                try producer.append(recordSet(values, key: { "k\($0)" }), to: TopicPartition("orders", Int32(number % 2)))
                if number % 4 == 0 { try producer.append(recordSet([String(repeating: "large", count: 12_000)]), to: TopicPartition("items", 0)) }
                try producer.storeOffsets([
                    SourceOffsetRow(connector: "a", partition: SourcePartition([("t", .integer(Int64(number % 3)))]), offset: SourceOffset([("seq", .integer(Int64(number)))]))
                ])
                try producer.storeProgress([ProgressRow(key: [UInt8(number)], value: [UInt8(round)])])
                try producer.storeSchemas([StoredSchema(id: SchemaID(7), json: Array("{\"type\":\"int64\"}".utf8))])
                guard case .durable? = try producer.commit().wait(milliseconds: 20_000) else { throw LogError(.fatal, "not durable") }
            }
            try log.alterCommittedOffsets(group: "g", [TopicPartition("orders", 0): CommittedOffset(offset: Int64(round) + 3)])
            if round == 1 {
                let content = try Content(log)
                try afterwards(log)
                return content
            }
        }
        throw LogError(.fatal, "unreachable")
    }

    enum Ending: String, CaseIterable, CustomTestStringConvertible {
        case cleanStop, killedWithFullLog
        var testDescription: String { rawValue }
    }

    private func prepare(_ ending: Ending, _ temporary: TemporaryFolder) throws -> (folder: String, content: Content) {
        let folder = temporary.file("data"), killed = temporary.file("killed")
        // A log at rest whose files are copied while it is open is what kill -9 leaves: SQLite keeps nothing back once COMMIT has returned.
        let content = try fill(folder) { _ in copyFiles(from: folder, to: killed, Self.files) }
        return (ending == .cleanStop ? folder : killed, content)
    }

    /// Opens and reads a damaged copy. - Returns: the error it was refused with, `nil` when everything is right.
    private func judge(_ folder: String, _ expected: Content, _ what: String) -> LogError? {
        do {
            var options = EmbeddedLogOptions(folder: folder)
            options.mayCreate = false
            let log = try EmbeddedLog.open(options)
            defer { log.close() }
            let found = try Content(log)
            if found != expected { Issue.record("\(what): opened without a word, and the content is another") }
            return nil
        } catch let error as LogError {
            return error
        } catch {
            Issue.record("\(what): \(error)")
            return nil
        }
    }

    @Test(arguments: Ending.allCases) func anUndamagedCopyIsRight(_ ending: Ending) async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let (folder, content) = try prepare(ending, temporary)
            if ending == .killedWithFullLog { #expect(fileSize(folder + "/topics.db-wal") > 100_000) } else { #expect(fileSize(folder + "/topics.db-wal") < 0) }
            #expect(judge(folder, content, "undamaged") == nil)
            #expect(content.records.map(\.count) == [6, 240, 240])
        }
    }

    @Test(arguments: Ending.allCases) func everyFlippedByteIsDetectedOrHarmless(_ ending: Ending) async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let (folder, content) = try prepare(ending, temporary)
            var random = RandomNumbers(seed: 4)
            for name in Self.files where fileSize("\(folder)/\(name)") > 0 {
                let good = readFile("\(folder)/\(name)")
                // The first page says how to read all others, so it is looked at closely; of the rest a sample, or in the full run everything dense.
                let step = Self.isFull ? max(97, good.count / 1500) : max(1, good.count / 60)
                var places = Array(stride(from: 0, to: good.count, by: step)) + Array(stride(from: 0, to: min(good.count, 200), by: Self.isFull ? 1 : 9))
                if good.count < 100 { places = Array(good.indices) }
                for place in places {
                    let at = min(good.count - 1, place + (step > 1 && place > 200 ? Int.random(in: 0..<step, using: &random) : 0))
                    var bad = good
                    bad[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    let target = temporary.file("flipped")
                    copyFiles(from: folder, to: target, Self.files)
                    writeFile("\(target)/\(name)", bad)
                    _ = judge(target, content, "\(ending) \(name) byte \(at)")
                    for file in Self.files { unlink("\(target)/\(file)") }
                }
            }
        }
    }

    @Test(arguments: Ending.allCases) func everyCutIsDetectedOrHarmless(_ ending: Ending) async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let (folder, content) = try prepare(ending, temporary)
            for name in Self.files where fileSize("\(folder)/\(name)") > 0 {
                let good = readFile("\(folder)/\(name)")
                let cuts = Set([0, 1, 16, 31, 32, 33, 35, 100, 32_768, good.count - 1, good.count - 40] + Array(stride(from: 0, to: good.count, by: max(1, good.count / (Self.isFull ? 200 : 25)))))
                for cut in cuts.sorted() where cut >= 0 && cut < good.count {
                    let target = temporary.file("cut")
                    copyFiles(from: folder, to: target, Self.files)
                    writeFile("\(target)/\(name)", Array(good[..<cut]))
                    let error = judge(target, content, "\(ending) \(name) cut to \(cut)")
                    if name == "topics.db" || name == "topics.marker" { #expect(error != nil, "\(name) cut to \(cut) was not seen") }
                    for file in Self.files { unlink("\(target)/\(file)") }
                }
            }
        }
    }

    @Test func missingFilesAreSeen() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let (folder, content) = try prepare(.killedWithFullLog, temporary)
            for name in ["topics.db", "topics.db-wal", "topics.marker"] {
                let target = temporary.file("without")
                copyFiles(from: folder, to: target, Self.files.filter { $0 != name })
                #expect(judge(target, content, "without \(name)")?.kind == .damaged)
                // A worker that may create a log does not do so over what is left of one.
                #expect(throws: LogError.self) { try EmbeddedLog.open(EmbeddedLogOptions(folder: target)) }
                for file in Self.files { unlink("\(target)/\(file)") }
            }
        }
    }

    /// Damage in one partition keeps nobody from the records of another, and of its own up to there.
    @Test func recordsBeforeTheDamageAreStillRead() async throws {
        try await onThread {
            let temporary = try TemporaryFolder(), folder = temporary.file("data")
            let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder))
            _ = try log.createTopic(TopicSpecification("a"))
            _ = try log.createTopic(TopicSpecification("b"))
            let producer = try log.openProducer(ProducerID("p"))
            for number in 0..<6 {
                for topic in ["a", "b"] as [Name] { try log.commit(recordSet(["\(topic) number \(number)"]), to: TopicPartition(topic, 0), by: producer) }
            }
            log.close()
            var bytes = readFile(folder + "/topics.db")
            let pattern = Array("b number 3".utf8)
            let place = try #require(bytes.indices.dropLast(pattern.count).first { bytes[$0] == pattern[0] && Array(bytes[$0..<$0 + pattern.count]) == pattern })
            bytes[place] ^= 1
            writeFile(folder + "/topics.db", bytes)
            let again = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder))
            defer { again.close() }
            let consumer = try again.openConsumer(ConsumerOptions(group: nil))
            defer { consumer.close() }
            try consumer.subscribe(.topics(["a", "b"]))
            var found: [Name: [String]] = [:]
            let error = #expect(throws: LogError.self) {
                while true {
                    for case .records(let records) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 1000) {
                        for index in 0..<records.records.count { found[records.topicPartition.topic, default: []].append(records.records.value(at: index)?.utf8Text ?? "") }
                    }
                }
            }
            #expect(error?.kind == .damaged && error?.message.contains("topic b partition 0 is damaged at offset 3") == true)
            #expect(found["a"] == (0..<6).map { "a number \($0)" })
            #expect(found["b"] == (0..<3).map { "b number \($0)" })
        }
    }

    /// What is refused is left as it was, for whoever repairs it.
    @Test func aRefusedFolderIsNotTouched() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let (folder, content) = try prepare(.killedWithFullLog, temporary)
            var bad = readFile("\(folder)/topics.db-wal")
            bad[bad.count / 2] ^= 1
            writeFile("\(folder)/topics.db-wal", bad)
            let before = ["topics.db", "topics.db-wal", "topics.marker"].map { readFile("\(folder)/\($0)") }
            #expect(judge(folder, content, "flipped")?.message.contains("has lost commits") == true)
            #expect(["topics.db", "topics.db-wal", "topics.marker"].map { readFile("\(folder)/\($0)") } == before)
        }
    }
}
