import ConnectTesting
import Foundation
import Glibc
import SQLite
import Testing

/// Records that cannot be delivered: dead-lettered exactly once and in order, or named by the task that failed (P4).
@Suite(.serialized) struct MalformedRecordTests {
    /// Lines of a file, the first of every two malformed; the last is good, so that its arrival says that all were handled.
    private static let lines: [String] = (0..<1000).map { number in
        if number % 2 == 1 { return "{\"id\": \(number), \"word\": \"word \(number)\"}" }
        return switch number / 2 % 4 {
        case 0: "{\"id\": \(number), \"word\": "
        case 1: "no JSON at all, number \(number)"
        case 2: "{\"word\": \"no key\", \"number\": \(number)}"
        default: "{\"id\": \"\(number) is not a number\", \"word\": {}}"
        }
    }

    @Test func everySecondRecordIsDeadLetteredOnceAndInOrder() async throws {
        let seed = Environment.seed
        try await onThread {
            var random = RandomNumbers(seed: seed)
            let pipe = try LinePipe(lines: Self.lines, sink: [
                "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "lines.dlq", "errors.deadletterqueue.context.headers.enable": "true",
            ])
            for kill in 0..<(Environment.isFull ? 20 : 5) {
                let worker = try pipe.start("worker-\(kill)")
                // The instant of the kill is the test's subject: nothing waits for it.
                usleep(UInt32.random(in: 0...250_000, using: &random))
                worker.process.killNow()
            }
            let worker = try pipe.start("worker-last")
            let arrived = try eventually(within: 60) { try pipe.delivered().last == 999 ? true : nil }
            guard arrived != nil else { throw TestFailure("seed \(seed): the last record does not arrive: \(worker.process.errors.suffix(3000))") }
            try worker.stop()

            #expect(try pipe.delivered() == (0..<500).map { Int64($0 * 2 + 1) }, "seed \(seed)")
            let letters = try TopicDump(topic: "lines.dlq", dataDirectory: pipe.data, folder: pipe.folder.path).lines
            let offsets = letters.map { letter in letter.headers.first { $0.key == "__connect.errors.offset" }.map { "\($0.value ?? "null")" } ?? "none" }
            #expect(offsets == (0..<500).map { "\($0 * 2)" }, "seed \(seed)")
            #expect(letters.count == 500)
        }
    }

    @Test func withoutToleranceTheTaskFailsAndNamesTheFirst() async throws {
        try await onThread {
            let pipe = try LinePipe(lines: Array(Self.lines.dropFirst()), sink: ["errors.tolerance": "none"])
            let worker = try pipe.start("worker")
            try worker.waitUntilReady()
            let trace = try eventually(within: 20) { () -> String? in
                let tasks = try worker.taskStates("copy")
                return tasks.first?.state == "FAILED" ? tasks.first?.trace ?? "" : nil
            }
            let words = try trace ?? "the task does not fail: \(worker.request("GET", "/connectors/copy/status").body)"
            #expect(words.contains("lines/0@1"))
            let delivered = try pipe.delivered()
            #expect(delivered == [1] || delivered.isEmpty)
            try worker.stop()
        }
    }
}

/// Lines of a file through a topic into a table.
private struct LinePipe {
    let folder: TemporaryFolder
    let port: UInt16
    var data: String { folder.file("data") }
    private let configuration: String

    init(lines: [String], sink: [String: String]) throws {
        folder = try TemporaryFolder()
        port = try Worker.freePort()
        configuration = folder.file("connectors.json")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: folder.file("lines.txt")))
        let copy = try Database(path: folder.file("copy.db"), mode: .create)
        try copy.execute("CREATE TABLE lines (id INTEGER PRIMARY KEY NOT NULL, word TEXT)")
        copy.close()
        let source = [
            "connector.class": "FileStreamSource", "file": folder.file("lines.txt"), "topic": "lines",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        ]
        var target = [
            "connector.class": "SqliteSink", "connection.url": "sqlite:\(folder.file("copy.db"))", "topics": "lines", "table.name.format": "lines",
            "pk.mode": "record_value", "pk.fields": "id", "delete.enabled": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
        ]
        target.merge(sink) { $1 }
        try JSONSerialization.data(withJSONObject: ["connectors": ["lines": source, "copy": target]]).write(to: URL(filePath: configuration))
    }

    func start(_ name: String) throws -> Worker {
        try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: name, settings: ["sink.batch.max.rows=10"])
    }

    /// Keys in the table, in their order.
    func delivered() throws -> [Int64] {
        let copy = try Database(path: folder.file("copy.db"), mode: .readOnly)
        defer { copy.close() }
        let rows = try copy.prepare("SELECT id FROM lines ORDER BY id")
        var keys: [Int64] = []
        while try rows.step() { keys.append(rows.int64(at: 0)) }
        return keys
    }
}
