import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Foundation
import Glibc
import Testing

/// `connectd topics` that asks a running worker.
@Suite(.serialized) struct RunningTopicsTests {
    /// A worker whose log holds `orders`: two partitions with three records each.
    private struct Running {
        let folder: TemporaryFolder
        let worker: Worker

        init() throws {
            folder = try TemporaryFolder()
            try Running.fill(folder.file("data"))
            worker = try Worker(
                [], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort(),
                settings: ["webhook.enabled=true", "webhook.topics=orders", "webhook.token=\(Running.token)"])
            try worker.waitUntilReady()
        }

        private static let token = "a token of a test"
        static let schema = "{\"type\":\"struct\",\"optional\":false}"

        private static func fill(_ path: String) throws {
            let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: path))
            defer { log.close() }
            _ = try log.createTopic(TopicSpecification("orders", partitions: 2))
            let producer = try log.openProducer(ProducerID("test"))
            defer { producer.close() }
            let header = RawHeader(SchemaHeaders.value, ByteSlice([0, 0, 0, 0, 0, 0, 0, 7]))
            for partition in Int32(0)..<2 {
                var set = RecordSet()
                for number in 0..<3 {
                    set.append(timestamp: 1, key: nil, value: ByteSlice(Array("{\"n\":\(number)}".utf8)), headers: [header])
                }
                try producer.begin()
                try producer.append(set, to: TopicPartition("orders", partition))
                try producer.storeSchemas([StoredSchema(id: SchemaID(7), json: Array(schema.utf8))])
                guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw TestFailure("the append failed") }
            }
        }

        func words(_ words: [String]) -> [String] { ["topics"] + words + ["--url", "http://127.0.0.1:\(worker.port)"] }

        func topics(_ words: String...) throws -> ChildProcess.Finished { try ChildProcess.run(self.words(words), in: folder.path) }

        func follow(_ words: String...) throws -> ChildProcess {
            try ChildProcess(Environment.program, self.words(["consume", "orders", "--follow"] + words), output: folder.file("follower"), directory: folder.path)
        }

        /// Appends one record to partition 0.
        func append(_ number: Int) throws {
            let answer = try HTTPAnswer.of(
                "POST", "/topics/orders", body: "{\"records\":[{\"partition\":0,\"value\":{\"n\":\(number)}}]}", port: worker.port,
                contentType: "application/vnd.kafka.json.v2+json", headers: ["Authorization: Bearer \(Running.token)"])
            guard answer.status == 200 else { throw TestFailure("the append: \(answer.status) \(answer.body)") }
        }
    }

    private struct Line: Hashable {
        let partition: Int64
        let offset: Int64
        let number: Int64
    }

    /// Each line is a whole JSON document.
    private static func lines(_ output: String) throws -> [Line] {
        try output.split(separator: "\n").map { text in
            let line = try JSON.parse(String(text))
            return Line(
                partition: try #require(line["partition"]?.int64), offset: try #require(line["offset"]?.int64),
                number: try #require(line["value"]?["n"]?.int64))
        }
    }

    private func withWorker(_ body: @escaping @Sendable (Running) throws -> Void) async throws {
        try await onThread {
            let running = try Running()
            try body(running)
            try running.worker.stop()
        }
    }

    @Test func listAndDescribeTellTheSize() async throws {
        try await withWorker { running in
            let list = try running.topics("list")
            #expect(list.ending == .exit(0) && list.output.contains("orders"), "\(list.output)\(list.errors)")
            let described = try running.topics("describe", "orders", "--json")
            #expect(try JSON.parse(described.output)["partitions"]?.elements?.map { $0["end"]?.int64 } == [3, 3], "\(described.errors)")
        }
    }

    @Test func everyRecordComesOnceInTheOrderOfItsPartition() async throws {
        try await withWorker { running in
            let finished = try running.topics("consume", "orders", "--from-beginning")
            #expect(finished.ending == .exit(0), "\(finished.errors)")
            let lines = try Self.lines(finished.output)
            #expect(lines.count == 6)
            for partition in Int64(0)..<2 {
                let own = lines.filter { $0.partition == partition }
                #expect(own.map(\.offset) == [0, 1, 2] && own.map(\.number) == [0, 1, 2])
            }
            #expect(try Self.lines(running.topics("consume", "orders", "--from-beginning", "--max", "4").output) == Array(lines.prefix(4)))
        }
    }

    @Test func withoutABeginningItStartsAtTheEndAndSaysSo() async throws {
        try await withWorker { running in
            let finished = try running.topics("consume", "orders")
            #expect(finished.ending == .exit(0) && finished.output.isEmpty)
            #expect(finished.errors.contains("--from-beginning"), "\(finished.errors)")
        }
    }

    @Test func aGroupGoesOnWhereItStopped() async throws {
        try await withWorker { running in
            let first = try running.topics("consume", "orders", "--group", "g", "--from-beginning", "--max", "4")
            let second = try running.topics("consume", "orders", "--group", "g", "--from-beginning")
            let third = try running.topics("consume", "orders", "--group", "g", "--from-beginning")
            let (one, two) = (try Self.lines(first.output), try Self.lines(second.output))
            #expect(one.count == 4 && two.count == 2, "\(first.errors)\(second.errors)")
            #expect(Set(one + two).count == 6)
            #expect(third.output.isEmpty && third.ending == .exit(0), "\(third.errors)")
        }
    }

    @Test func schemasAreShownWhenAskedFor() async throws {
        try await withWorker { running in
            let finished = try running.topics("consume", "orders", "--from-beginning", "--with-schema", "--max", "1")
            let value = try JSON.parse(finished.output)["value"]
            #expect(try value?["schema"] == JSON.parse(Running.schema), "\(finished.output)\(finished.errors)")
            #expect(value?["payload"]?["n"]?.int64 == 0)
        }
    }

    @Test(arguments: ["consume", "describe"]) func anUnknownTopicIsAnErrorThatNamesANearOne(_ command: String) async throws {
        try await withWorker { running in
            let finished = try running.topics(command, "ordres")
            #expect(finished.ending == .exit(2))
            #expect(finished.output.isEmpty)
            #expect(finished.errors.contains("ordres") && finished.errors.contains("orders"), "\(finished.errors)")
        }
    }

    @Test func aFollowerSeesWhatComesLaterAndEndsWithItsNumber() async throws {
        try await withWorker { running in
            let follower = try running.follow("--from-beginning", "--max", "8")
            try Self.waitFor(6, follower)
            try running.append(3)
            try Self.waitFor(7, follower)
            #expect(follower.isRunning)
            try running.append(4)
            #expect(follower.wait(seconds: 30) == .exit(0), "\(follower.errors)")
            #expect(try Self.lines(follower.output).suffix(2) == [Line(partition: 0, offset: 3, number: 3), Line(partition: 0, offset: 4, number: 4)])
        }
    }

    @Test func aFollowerEndsWhenItIsTold() async throws {
        try await withWorker { running in
            let follower = try running.follow("--from-beginning")
            try Self.waitFor(6, follower)
            follower.send(SIGTERM)
            #expect(follower.wait(seconds: 30) == .signal(SIGTERM), "\(follower.errors)")
            #expect(try Self.lines(follower.output).count == 6)
        }
    }

    private static func waitFor(_ count: Int, _ follower: ChildProcess) throws {
        let seen: Bool? = eventually(within: 30) {
            if follower.output.split(separator: "\n").count >= count { return true }
            return follower.isRunning ? nil : false
        }
        if seen != true { throw TestFailure("the follower did not print \(count) lines: \(follower.output)\(follower.errors)") }
    }
}
