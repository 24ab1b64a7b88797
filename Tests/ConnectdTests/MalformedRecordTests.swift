import ConnectTesting
import Foundation
import Glibc
import SQLite
import Testing

/// Records that cannot be delivered: dead-lettered exactly once and in order, or named by the task that failed (P4).
@Suite(.serialized) struct MalformedRecordTests {
    /// What is wrong with the bad records, and so where that is found out.
    enum Fault: String, Sendable, CaseIterable {
        /// No JSON: the converter finds it.
        case text
        /// No key, or a value that is none of the column's: the sink finds it.
        case row
        /// Both by turns.
        case mixed
    }

    /// Lines of a file, the first of every two malformed; the last is good, so that its arrival says that all were handled.
    private static func lines(_ fault: Fault) -> [String] {
        (0..<1000).map { number in
            if number % 2 == 1 { return "{\"id\": \(number), \"word\": \"word \(number)\"}" }
            return switch (fault, number / 2 % 4) {
            case (.text, 0), (.text, 2), (.mixed, 0): "{\"id\": \(number), \"word\": "
            case (.text, _), (.mixed, 1): "no JSON at all, number \(number)"
            case (.row, 0), (.row, 2), (.mixed, 2): "{\"word\": \"no key\", \"number\": \(number)}"
            default: "{\"id\": \"\(number) is not a number\", \"word\": {}}"
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func everySecondRecordIsDeadLetteredOnceAndInOrder(_ fault: Fault) async throws {
        let seed = Environment.seed
        try await onThread {
            var random = RandomNumbers(seed: seed)
            let pipe = try LinePipe(lines: Self.lines(fault), sink: [
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

            if try pipe.delivered() != (0..<500).map({ Int64($0 * 2 + 1) }) { throw TestFailure("seed \(seed): delivered are \(try pipe.delivered())") }
            let letters = try TopicDump(topic: "lines.dlq", dataDirectory: pipe.data, folder: pipe.folder.path).lines
            let offsets = letters.compactMap { letter in letter.headers.first { $0.key == "__connect.errors.offset" }.flatMap { Int("\($0.value ?? "")") } }
            // What the converter finds is written before the rest of the batch is offered to the sink, so two kinds of faults are each in order.
            let order = fault == .mixed ? offsets.sorted() : offsets
            let first = zip(order, 0...).first { $0 != $1 * 2 }
            if let first { throw TestFailure("seed \(seed): letter \(first.1) is of offset \(first.0)") }
            if letters.count != 500 || offsets.count != 500 { throw TestFailure("seed \(seed): \(letters.count) letters") }
        }
    }

    @Test func withoutToleranceTheTaskFailsAndNamesTheFirst() async throws {
        try await onThread {
            let pipe = try LinePipe(lines: Array(Self.lines(.mixed).dropFirst()), sink: ["errors.tolerance": "none"])
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
        // A worker that was killed may have left a journal to be rolled back: a reader that may not write could not read.
        let copy = try Database(path: folder.file("copy.db"), mode: .readWrite, busyTimeout: 30_000)
        defer { copy.close() }
        let rows = try copy.prepare("SELECT id FROM lines ORDER BY id")
        var keys: [Int64] = []
        while try rows.step() { keys.append(rows.int64(at: 0)) }
        return keys
    }
}
