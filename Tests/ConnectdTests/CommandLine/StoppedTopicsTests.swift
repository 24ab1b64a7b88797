import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Foundation
import Testing

/// `connectd topics` on the folder of a worker that does not run.
@Suite(.serialized) struct StoppedTopicsTests {
    private func withFolder(_ body: @escaping @Sendable (TemporaryFolder) throws -> Void) async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            try Self.fill(folder.file("data"))
            try body(folder)
        }
    }

    /// A topic of two partitions with 600 records each. The folder is free again when this returns.
    private static func fill(_ path: String) throws {
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: path))
        _ = try log.createTopic(TopicSpecification("orders", partitions: 2))
        let producer = try log.openProducer(ProducerID("test"))
        for partition in 0..<2 {
            var set = RecordSet()
            for number in 0..<600 {
                set.append(timestamp: 1, key: ByteSlice(Array("\(partition)".utf8)), value: ByteSlice(Array("{\"n\": \(number)}".utf8)))
            }
            try producer.begin()
            try producer.append(set, to: TopicPartition("orders", Int32(partition)))
            guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw TestFailure("the append failed") }
        }
        producer.close()
        log.close()
    }

    @Test func everyRecordComesOncePerPartitionInOrder() async throws {
        try await withFolder { folder in
            let dump = try TopicDump(topic: "orders", dataDirectory: folder.file("data"), folder: folder.path)
            #expect(dump.lines.count == 1200)
            #expect(dump.lines.filter { $0.partition == 1 }.compactMap { ($0.value as? [String: Int])?["n"] } == Array(0..<600))
        }
    }

    @Test func aGroupGoesOnWhereItStopped() async throws {
        try await withFolder { folder in
            let words = ["topics", "consume", "orders", "--data-dir", "data", "--group", "g", "--from-beginning"]
            let first = try ChildProcess.run(words + ["--max", "1000"], in: folder.path)
            let second = try ChildProcess.run(words, in: folder.path)
            let third = try ChildProcess.run(words, in: folder.path)
            #expect(first.output.split(separator: "\n").count == 1000, "\(first.errors)")
            #expect(second.output.split(separator: "\n").count == 200, "\(second.errors)")
            #expect(third.output.isEmpty && third.ending == .exit(0))
            #expect(Set((first.output + second.output).split(separator: "\n")).count == 1200)
        }
    }

    @Test func listAndDescribeTellTheSize() async throws {
        try await withFolder { folder in
            let list = try ChildProcess.run(["topics", "list", "--data-dir", "data"], in: folder.path)
            #expect(list.output.contains("orders") && list.output.contains("1200"), "\(list.output)\(list.errors)")
            let described = try ChildProcess.run(["topics", "describe", "orders", "--data-dir", "data", "--json"], in: folder.path)
            #expect(try JSON.parse(described.output)["partitions"]?.elements?.last?["end"]?.int64 == 600)
        }
    }

    @Test func anUnknownTopicIsAnErrorAndNotEmptyOutput() async throws {
        try await withFolder { folder in
            let finished = try ChildProcess.run(["topics", "consume", "ordres", "--data-dir", "data"], in: folder.path)
            #expect(finished.ending == .exit(2))
            #expect(finished.output.isEmpty && finished.errors.contains("orders"), "\(finished.errors)")
        }
    }

    /// Good records may be printed, damaged ones never; the end says what is damaged.
    @Test func aDamagedRecordEndsTheReadingWithWords() async throws {
        try await withFolder { folder in
            let path = folder.file("data/topics.db")
            var bytes = try Data(contentsOf: URL(filePath: path))
            let place = try #require(bytes.range(of: Data("{\"n\": 300}".utf8)))
            bytes[place.lowerBound + 6] ^= 1
            try bytes.write(to: URL(filePath: path))
            let finished = try ChildProcess.run(["topics", "consume", "orders", "--data-dir", "data", "--from-beginning"], in: folder.path)
            #expect(finished.ending == .exit(1))
            #expect(finished.errors.contains("topic orders partition") && finished.errors.contains("is damaged at offset"), "\(finished.errors)")
            // The partition whose bytes are whole may come; of the other one nothing was good before the damage.
            var numbers: [Int64: [Int64]] = [:]
            for line in finished.output.split(separator: "\n") {
                let record = try JSON.parse(String(line))
                numbers[try #require(record["partition"]?.int64), default: []].append(try #require(record["value"]?["n"]?.int64))
            }
            #expect(numbers.count <= 1, "\(numbers.keys)")
            for found in numbers.values { #expect(found == Array(0..<Int64(found.count))) }
        }
    }

    @Test func aFolderInUseIsLeftAlone() async throws {
        try await withFolder { folder in
            let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder.file("data")))
            defer { log.close() }
            let finished = try ChildProcess.run(["topics", "list", "--data-dir", "data"], in: folder.path)
            #expect(finished.ending == .exit(3))
            #expect(finished.errors.contains("another process uses"), "\(finished.errors)")
        }
    }
}
