import ConnectTesting
import Foundation
import Glibc
import Postgres
import PostgresTesting
import SQLite
import Testing

/// A worker that is killed again and again, and a server that goes down, while eight writers change the source: nothing is lost, doubled or invented, the order
/// is kept, and the copies in SQLite and in PostgreSQL equal the source (P3, P5, P6).
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN")) struct PostgresKillTests {
    /// One way to run the pipe.
    struct Variant: Sendable, CustomTestStringConvertible {
        let name: String
        var tables: [AuditedTable] = [.items]
        /// Settings of the source and of both sinks beside the usual ones.
        var source: [String: String] = [:]
        var sinks: [String: String] = [:]
        /// The most records a sink gets at once.
        var batchRows = 10_000
        var kills = Environment.isFull ? 50 : 10
        /// The server goes down so often, as by a power cut, while writers do not wait for their commits to be durable.
        var crashes = 0
        var testDescription: String { name }
    }

    static let variants = [
        Variant(name: "one table"),
        Variant(
            name: "two tables, two tasks, four partitions, small batches", tables: [.items, .orders],
            source: ["tasks.max": "2", "batch.max.rows": "7", "topic.creation.default.partitions": "4"], sinks: ["tasks.max": "2"], batchRows: 11),
        Variant(name: "the server goes down under unsafe commits", tables: [.items, .orders], kills: Environment.isFull ? 20 : 4, crashes: Environment.isFull ? 5 : 1),
    ]

    @Test(arguments: variants)
    func nothingIsLostDoubledOrReordered(_ variant: Variant) async throws {
        let seed = Environment.seed
        try await onThread {
            do {
                try PostgresPipe(variant, seed: seed).run()
            } catch {
                throw TestFailure("\(error)\n(CONNECTD_TEST_SEED=\(seed) repeats its random choices)")
            }
        }
    }
}

/// The pipe of one run: a source database, its writers, the worker and the copies.
private final class PostgresPipe {
    let variant: PostgresKillTests.Variant
    let seed: UInt64
    let folder: TemporaryFolder
    let server: PostgresServer
    let database: String
    let copyDatabase: String
    let port: UInt16
    /// A connection to the source, and one that holds a transaction open that has nothing to do with anything.
    var sql: Connection
    var idle: Connection

    init(_ variant: PostgresKillTests.Variant, seed: UInt64) throws {
        self.variant = variant
        self.seed = seed
        folder = try TemporaryFolder()
        server = variant.crashes > 0 ? try PostgresServer(.init(isDurable: true)) : try .shared()
        database = try server.makeDatabase()
        copyDatabase = try server.makeDatabase()
        port = try Worker.freePort()
        sql = try server.connect(database)
        idle = try server.connect(database)
        try AuditedWriter.prepare(sql, variant.tables)
    }

    deinit {
        sql.close()
        idle.close()
    }

    var data: String { folder.file("data") }
    private var copyFile: String { folder.file("copy.db") }

    func run() throws {
        var random = RandomNumbers(seed: seed)
        try holdTransaction()
        let configuration = try writeConfiguration()
        let writers = (0..<8).map { AuditedWriter(server, database: database, tables: variant.tables, name: "\(database)_w\($0)", isUnsafe: variant.crashes > 0) }
        let running = WriterThreads(writers.map { writer in
            let seed = random.next()
            return { try writer.run(seed: seed) }
        })
        defer { for writer in writers { writer.stop() } }

        var readBy: Int64 = 0, crashesLeft = variant.crashes
        for kill in 0..<variant.kills {
            let worker = try start(configuration, "worker-\(kill)")
            // Some die before or while the first rows are read; then one lives until some have arrived. Of the others some die while they start,
            // most while they work. The instant is the test's subject: nothing waits for it.
            if kill == 2 {
                try waitForFirstRows(worker)
                readBy = try Audit.lastNumber(sql)
            } else if random.oneIn(3) {
                usleep(UInt32.random(in: 0...120_000, using: &random))
            } else {
                try worker.waitUntilReady()
                usleep(UInt32.random(in: 0...600_000, using: &random))
            }
            if kill > 2, crashesLeft > 0 {
                crashesLeft -= 1
                try crash()
                usleep(UInt32.random(in: 0...1_500_000, using: &random))
            }
            if let ending = worker.process.wait(seconds: 0) { throw TestFailure("worker \(kill) ended by itself with \(ending): \(worker.process.errors)") }
            worker.process.killNow()
        }
        // The server goes down once more under a worker that lives on.
        let worker = try start(configuration, "worker-last")
        try worker.waitUntilReady()
        if variant.crashes > 0 { try crash() }
        for writer in writers { writer.stop() }
        try running.wait()
        try resolvePrepared()

        try waitUntilEqual(worker)
        try worker.stop()
        if let words = try difference() { throw TestFailure("after the stop: \(words)") }
        try checkTopics(readBy: readBy)
        let transactions = writers.reduce(0) { $0 + $1.transactions }
        if transactions < variant.kills * 20 { throw TestFailure("only \(transactions) transactions were made meanwhile: the test proves little") }
    }

    private func start(_ configuration: String, _ name: String) throws -> Worker {
        try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: name, settings: ["sink.batch.max.rows=\(variant.batchRows)"])
    }

    private func holdTransaction() throws { try idle.execute("BEGIN; INSERT INTO unrelated VALUES (0)") }

    private func crash() throws {
        try server.stop("immediate")
        try server.start()
        sql = try server.connect(database)
        idle = try server.connect(database)
        try holdTransaction()
    }

    /// Transactions whose writer lost its session between the two halves of its commit.
    private func resolvePrepared() throws {
        let left = try sql.execute("SELECT gid FROM pg_prepared_xacts WHERE database = '\(database)' ORDER BY gid")
        for row in 0..<left.rowCount {
            guard let name = left.text(row, 0) else { continue }
            try sql.execute("\(row % 2 == 0 ? "COMMIT" : "ROLLBACK") PREPARED '\(name)'")
        }
    }

    private func writeConfiguration() throws -> String {
        let topics = variant.tables.map { "shop.public.\($0.name)" }.joined(separator: ",")
        let source = [
            "connector.class": "PostgresSource", "connection.url": server.url(database), "topic.prefix": "shop",
            "table.include.list": variant.tables.map { "public.\($0.name)" }.joined(separator: ","),
        ].merging(variant.source) { $1 }
        let toFile = ["connector.class": "SqliteSink", "connection.url": "sqlite:\(copyFile)", "topics": topics].merging(variant.sinks) { $1 }
        let toServer = ["connector.class": "PostgresSink", "connection.url": server.url(copyDatabase), "topics": topics].merging(variant.sinks) { $1 }
        let path = folder.file("connectors.json")
        try JSONSerialization.data(withJSONObject: ["connectors": ["shop": source, "to-file": toFile, "to-server": toServer]]).write(to: URL(filePath: path))
        return path
    }

    private func waitForFirstRows(_ worker: Worker) throws {
        let arrived = eventually(within: 60) { () -> Bool? in
            if !worker.process.isRunning { return false }
            guard let copy = try? Database(path: copyFile, mode: .readOnly, busyTimeout: 30_000) else { return nil }
            defer { copy.close() }
            return (try? variant.tables.allSatisfy { try copy.integer("SELECT count(*) FROM \($0.name)") ?? 0 > 0 }) == true ? true : nil
        }
        if arrived != true { throw TestFailure("no rows arrive: \(try states(worker))\n\(worker.process.errors.suffix(3000))") }
    }

    private func waitUntilEqual(_ worker: Worker) throws {
        let equal = try eventually(within: 60) { () -> Bool? in
            if !worker.process.isRunning { throw TestFailure("the worker ended: \(worker.process.errors)") }
            usleep(50_000)
            return try difference() == nil ? true : nil
        }
        if equal == nil {
            throw TestFailure("the copies do not become equal: \(try difference() ?? "")\n\(try states(worker))\n\(worker.process.errors.suffix(4000))")
        }
    }

    private func states(_ worker: Worker) throws -> String {
        try ["shop", "to-file", "to-server"].map { try worker.request("GET", "/connectors/\($0)/status").body }.joined(separator: "\n")
    }

    /// What differs between the source and its copies; `nil` when nothing does.
    private func difference() throws -> String? {
        guard FileManager.default.fileExists(atPath: copyFile) else { return "no copy in SQLite" }
        let file = try Database(path: copyFile, mode: .readOnly, busyTimeout: 30_000)
        defer { file.close() }
        let copy = try server.connect(copyDatabase)
        defer { copy.close() }
        for table in variant.tables {
            let truth = try table.rows(sql)
            for (name, rows) in [("SQLite", try? table.rows(file)), ("PostgreSQL", try? table.rows(copy))] {
                guard let rows else { return "no \(table.name) in \(name)" }
                if let words = AuditedTable.difference(truth, rows) { return "\(table.name) in \(name): \(words)" }
            }
        }
        return nil
    }

    private func checkTopics(readBy: Int64) throws {
        for table in variant.tables {
            var audit = try Audit(of: table, sql)
            try TopicDump.forEach(topic: "shop.public.\(table.name)", dataDirectory: data, folder: folder.path) { try audit.tell($0) }
            let faults = try audit.verdict(readBy: readBy, sql)
            if !faults.isEmpty { throw TestFailure("topic of \(table.name), \(faults.count) faults:\n\(faults.prefix(10).joined(separator: "\n"))") }
            if audit.count < variant.kills * 20 { throw TestFailure("\(table.name): only \(audit.count) changes: the test proves little") }
            print("\(variant.name): \(table.name): \(audit.count) changes, \(audit.records) records")
        }
    }
}
