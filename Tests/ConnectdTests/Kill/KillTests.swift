import ConnectTesting
import Foundation
import Glibc
import SQLite
import Testing

/// A worker that is killed again and again while four writers change its source loses nothing, doubles nothing and keeps the order (P3, P5, P6).
@Suite(.serialized) struct KillTests {
    /// One way to run the pipe.
    struct Variant: Sendable, CustomTestStringConvertible {
        let name: String
        var tables: [SourceTable] = [.items]
        var journalMode = "WAL"
        /// Settings of the source beside the usual ones, and of the mirroring sink.
        var source: [String: String] = [:]
        var sink: [String: String] = [:]
        /// The most records a sink gets at once.
        var batchRows = 10_000
        /// A second source and sink, of rows that are only added: what comes twice shows as two rows.
        var appendsJournal = false
        /// Connectors are created over REST, once, instead of being named in a file at every start.
        var overREST = false
        var kills = Environment.isFull ? 50 : 10
        var testDescription: String { name }
    }

    static let variants = [
        Variant(name: "one table"),
        Variant(
            name: "two tables, two sources, two sinks, four partitions, two tasks", tables: [.items, .orders], source: ["topic.creation.default.partitions": "4"],
            sink: ["tasks.max": "2"], appendsJournal: true),
        Variant(name: "connectors created over REST", tables: [.orders], overREST: true),
        Variant(name: "rollback journal, small batches", tables: [.items], journalMode: "DELETE", source: ["batch.max.rows": "7"], batchRows: 3),
        Variant(name: "killed while many rows are read at the beginning", tables: [.many], source: ["batch.max.rows": "40"]),
    ]

    @Test(arguments: variants)
    func nothingIsLostDoubledOrReordered(_ variant: Variant) async throws {
        let seed = Environment.seed
        try await onThread {
            do {
                try Pipe(variant, seed: seed).run()
            } catch {
                throw TestFailure("\(error)\n(CONNECTD_TEST_SEED=\(seed) repeats its random choices)")
            }
        }
    }
}

/// The pipe of one run: a source file, its writers, the worker and the copies.
private struct Pipe {
    let variant: KillTests.Variant
    let seed: UInt64
    let folder: TemporaryFolder

    init(_ variant: KillTests.Variant, seed: UInt64) throws {
        self.variant = variant
        self.seed = seed
        folder = try TemporaryFolder()
    }

    var sourceFile: String { folder.file("source.db") }
    var copyFile: String { folder.file("copy.db") }
    var journalFile: String { folder.file("journal.db") }
    var data: String { folder.file("data") }

    func run() throws {
        var random = RandomNumbers(seed: seed)
        let stamps = SourceWriter.Stamps()
        try SourceWriter.makeFile(sourceFile, tables: variant.tables, stamps: stamps, seed: random.next(), journalMode: variant.journalMode)
        let port = try Worker.freePort()
        let files = variant.overREST ? [] : [try writeConfiguration()]
        if variant.overREST { try createOverREST(port: port) }

        let writers = try Writers(path: sourceFile, tables: variant.tables, stamps: stamps, random: &random)
        defer { writers.halt() }
        var readBy: [Int64] = []
        for kill in 0..<variant.kills {
            let worker = try start(files, port: port, "worker-\(kill)")
            // Three die before or while the first rows are read; then one lives until some have arrived. Of the others some die while
            // they start, most while they work. The instant is the test's subject: nothing waits for it.
            if kill == 3 {
                try waitForFirstRows(worker)
                // Whichever worker it was whose reading took: it had begun by now.
                readBy = try variant.tables.map { try changes(of: $0) }
            } else if random.oneIn(3) {
                usleep(UInt32.random(in: 0...120_000, using: &random))
            } else {
                try worker.waitUntilReady()
                usleep(UInt32.random(in: 0...600_000, using: &random))
            }
            if let ending = worker.process.wait(seconds: 0) { throw TestFailure("worker \(kill) ended by itself with \(ending): \(worker.process.errors)") }
            worker.process.killNow()
        }
        try writers.stop()

        let worker = try start(files, port: port, "worker-last")
        try worker.waitUntilReady()
        try waitUntilEqual(worker)
        try worker.stop()
        try checkCopies()
        try checkTopics(readBy: readBy)
        if writers.changes < variant.kills * 20 { throw TestFailure("only \(writers.changes) changes were made meanwhile: the test proves little") }
    }

    private func start(_ files: [String], port: UInt16, _ name: String) throws -> Worker {
        try Worker(files, folder: folder.path, dataDirectory: data, port: port, name: name, settings: ["sink.batch.max.rows=\(variant.batchRows)"])
    }

    private var connectors: [String: [String: String]] {
        var source = [
            "connector.class": "SqliteSource", "connection.url": "sqlite:\(sourceFile)", "topic.prefix": "shop",
            "table.include.list": variant.tables.map(\.name).joined(separator: ","),
        ]
        source.merge(variant.source) { $1 }
        var mirror = [
            "connector.class": "SqliteSink", "connection.url": "sqlite:\(copyFile)", "topics": variant.tables.map { "shop.\($0.name)" }.joined(separator: ","),
        ]
        mirror.merge(variant.sink) { $1 }
        var connectors = ["shop": source, "mirror": mirror]
        if variant.appendsJournal {
            // Rows that are only ever added: each is one record, and one row of a sink that only inserts.
            connectors["entries"] = [
                "connector.class": "SqliteSource", "connection.url": "jdbc:sqlite:\(sourceFile)", "topic.prefix": "shop", "table.include.list": "journal",
                "capture": "events", "topic.creation.default.partitions": "4",
            ]
            connectors["journal"] = [
                "connector.class": "SqliteSink", "connection.url": "jdbc:sqlite:\(journalFile)", "topics": "shop.journal", "insert.mode": "insert",
                "pk.mode": "none", "delete.enabled": "false", "tasks.max": "2",
            ]
        }
        return connectors
    }

    private func writeConfiguration() throws -> String {
        let path = folder.file("connectors.json")
        try JSONSerialization.data(withJSONObject: ["connectors": connectors]).write(to: URL(filePath: path))
        return path
    }

    /// They are there from now on, in the worker's own store: later starts name no file.
    private func createOverREST(port: UInt16) throws {
        let worker = try Worker([], folder: folder.path, dataDirectory: data, port: port, name: "worker-create")
        try worker.waitUntilReady()
        for (name, config) in connectors {
            let body = try JSONSerialization.data(withJSONObject: ["name": name, "config": config])
            let answer = try worker.request("POST", "/connectors", body: String(decoding: body, as: UTF8.self))
            if answer.status != 201 { throw TestFailure("POST /connectors answered \(answer.status): \(answer.body)") }
        }
        worker.process.killNow()
    }

    /// The number of the last change captured so far.
    private func changes(of table: SourceTable) throws -> Int64 {
        let database = try Database(path: sourceFile, mode: .readOnly, busyTimeout: 30_000)
        defer { database.close() }
        let name = "connectd_" + table.name
        guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = \(try quotedLiteral(name))") == 1 else { return 0 }
        return try database.integer("SELECT coalesce(max(seq), 0) FROM \(try quotedIdentifier(name))") ?? 0
    }

    private func waitForFirstRows(_ worker: Worker) throws {
        let arrived = try eventually(within: 60) { () -> Bool? in
            if !worker.process.isRunning { throw TestFailure("the worker ended: \(worker.process.errors)") }
            // All tables have rows there: each table's topic has its beginning.
            return try unlessHot { try variant.tables.allSatisfy { try rows(of: $0) > 0 } ? true : nil }
        }
        if arrived == nil { throw TestFailure("no rows arrive: \(worker.process.errors)") }
    }

    /// A killed worker's rollback journal waits for the next writer: until that one has been there, nobody can read the copy without writing.
    private func unlessHot<R>(_ read: () throws -> R?) throws -> R? {
        do { return try read() } catch let error as SQLiteError {
            if error.code == .readOnly { return nil }
            throw error
        }
    }

    private func rows(of table: SourceTable) throws -> Int64 {
        guard FileManager.default.fileExists(atPath: copyFile) else { return 0 }
        let database = try Database(path: copyFile, mode: .readOnly, busyTimeout: 30_000)
        defer { database.close() }
        guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = \(try quotedLiteral(table.name))") == 1 else { return 0 }
        return try database.integer("SELECT count(*) FROM \(try quotedIdentifier(table.name))") ?? 0
    }

    private func waitUntilEqual(_ worker: Worker) throws {
        let equal = try eventually(within: 60) { () -> Bool? in
            if !worker.process.isRunning { throw TestFailure("the worker ended: \(worker.process.errors)") }
            usleep(50_000)
            let isEqual = try unlessHot {
                try variant.tables.allSatisfy { try difference($0) == "" } && (!variant.appendsJournal || journalDifference() == "")
            }
            if isEqual != true { return nil }
            return true
        }
        if equal == nil {
            let words = try variant.tables.map { try difference($0) ?? "\($0.name): no copy" } + (variant.appendsJournal ? [try journalDifference() ?? "no journal"] : [])
            let status = try connectors.keys.sorted().map { try worker.request("GET", "/connectors/\($0)/status").body }
            throw TestFailure("the copy does not become equal:\n\(words.joined(separator: "\n"))\n\(status.joined(separator: "\n"))\n\(worker.process.errors.suffix(3000))")
        }
    }

    private func difference(_ table: SourceTable) throws -> String? {
        try Comparison.difference(source: sourceFile, table: table.name, columns: table.allColumns, copy: copyFile)
    }

    private func journalDifference() throws -> String? {
        try Comparison.difference(source: sourceFile, table: "journal", columns: ["number", "stamp", "words"], copy: journalFile)
    }

    private func checkCopies() throws {
        for table in variant.tables {
            let words = try difference(table) ?? "no copy"
            if words != "" { throw TestFailure("after the stop: \(words)") }
        }
        if variant.appendsJournal {
            let words = try journalDifference() ?? "no copy of the journal"
            if words != "" { throw TestFailure("after the stop: \(words)") }
        }
    }

    /// Each change is in each topic once, from the moment on at which the rows that were there before were read.
    /// - Parameter readBy: numbers of changes per table that moment must not lie after.
    private func checkTopics(readBy: [Int64]) throws {
        for (table, latest) in zip(variant.tables, readBy) {
            let dump = try TopicDump(topic: "shop.\(table.name)", dataDirectory: data, folder: folder.path)
            let start = try ChangeHistory.start(of: dump)
            if start > latest { throw TestFailure("\(table.name): the first change told is \(start + 1), but \(latest) or an earlier one is due") }
            let truth = try ChangeHistory(changeTableOf: table, after: start, file: sourceFile)
            let told = try ChangeHistory(topic: dump, table: table)
            let faults = truth.faults(ofTopic: told)
            if !faults.isEmpty { throw TestFailure("topic shop.\(table.name), \(faults.count) faults:\n\(faults.prefix(10).joined(separator: "\n"))") }
            if truth.count == 0 { throw TestFailure("\(table.name): no change was captured") }
        }
    }
}

/// Four writers on threads of their own.
private final class Writers {
    private let writers: [SourceWriter]
    private let failures: Failures

    init(path: String, tables: [SourceTable], stamps: SourceWriter.Stamps, random: inout RandomNumbers) throws {
        writers = (0..<4).map { _ in SourceWriter(path: path, tables: tables, stamps: stamps) }
        failures = Failures(count: writers.count)
        for writer in writers {
            let seed = random.next(), failures = failures
            Thread.detachNewThread {
                let result = Result { try writer.run(seed: seed, pauseMicroseconds: 15_000) }
                failures.ended(result)
            }
        }
    }

    var changes: Int { writers.reduce(0) { $0 + $1.changes } }

    /// Stops them and waits until they have; a write of a user that failed because of us is a failure.
    func stop() throws {
        for writer in writers { writer.stop() }
        try failures.wait()
    }

    /// The same without a word, for the way out.
    func halt() { for writer in writers { writer.stop() } }
}

private final class Failures: @unchecked Sendable {
    private let condition = NSCondition()
    private var running: Int
    private var errors: [any Error] = []

    init(count: Int) { running = count }

    func ended(_ result: Result<Void, any Error>) {
        condition.withLock {
            running -= 1
            if case .failure(let error) = result { errors.append(error) }
            condition.broadcast()
        }
    }

    func wait() throws {
        try condition.withLock {
            let deadline = Date(timeIntervalSinceNow: 60)
            while running > 0 { if !condition.wait(until: deadline) { throw TestFailure("a writer does not stop") } }
            if let error = errors.first { throw TestFailure("a writer's statement failed: \(error)") }
        }
    }
}
