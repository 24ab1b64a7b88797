import Glibc
import ConnectTesting
import Foundation
import SQLite

/// Rows of an append-only table through a topic into a copy: a backlog of any size, made in a moment.
struct JournalPipe {
    let folder: TemporaryFolder
    let port: UInt16
    let configuration: String
    /// What the worker writes to: its data folder and the copy.
    let disk: String
    var data: String { "\(disk)/data" }
    var copyFile: String { "\(disk)/copy.db" }
    private var sourceFile: String { folder.file("source.db") }
    private let filling: String

    /// - Parameters:
    ///   - filling: an expression in SQL of the row's number `i`: bytes that its words are longer than usual.
    ///   - source: settings of the source beside the usual ones.
    init(rows: Int, filling: String = "0", source settings: [String: String] = [:]) throws {
        folder = try TemporaryFolder()
        disk = folder.file("disk")
        self.filling = filling
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        port = try Worker.freePort()
        configuration = folder.file("connectors.json")
        let source = try Database(path: sourceFile, mode: .create)
        try source.execute("PRAGMA journal_mode=WAL; CREATE TABLE journal (number INTEGER PRIMARY KEY AUTOINCREMENT, stamp INTEGER NOT NULL, words TEXT, amount REAL)")
        source.close()
        try add(rows: rows)
        let connectors = [
            "journal": [
                "connector.class": "SqliteSource", "connection.url": "sqlite:\(sourceFile)", "capture": "events", "table.include.list": "journal", "topic.prefix": "shop",
            ].merging(settings) { $1 },
            "copy": ["connector.class": "SqliteSink", "connection.url": "sqlite:\(copyFile)", "topics": "shop.journal", "table.name.format": "journal"],
        ]
        try JSONSerialization.data(withJSONObject: ["connectors": connectors]).write(to: URL(filePath: configuration))
    }

    func add(rows: Int) throws {
        let source = try Database(path: sourceFile, mode: .readWrite, busyTimeout: 30_000)
        defer { source.close() }
        try source.execute(
            """
            PRAGMA synchronous=OFF;
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            INSERT INTO journal (stamp, words, amount) SELECT i, 'entry ' || i || ' of a journal that nobody reads twice' || hex(randomblob((\(filling)) / 2)), i / 7.0 FROM n
            """)
    }

    func start(_ name: String, variables: [String: String] = [:]) throws -> Worker {
        try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: name, variables: variables)
    }

    func waitUntilCopied(_ worker: Worker, within seconds: Double) throws {
        let rows = try last(sourceFile)
        let done = try eventually(within: seconds) { () -> Bool? in
            if !worker.process.isRunning { throw TestFailure("the worker ended: \(worker.process.errors)") }
            usleep(20_000)
            return try last(copyFile) == rows ? true : nil
        }
        if done == nil {
            let status = try ["journal", "copy"].map { try worker.request("GET", "/connectors/\($0)/status").body }
            throw TestFailure("\(try last(copyFile)) of \(rows) rows copied within \(seconds) s; \(status)\n\(worker.process.errors.suffix(3000))")
        }
        let words = try Comparison.difference(source: sourceFile, table: "journal", columns: ["number", "stamp", "words", "amount"], copy: copyFile)
        if words != "" { throw TestFailure(words ?? "no copy") }
    }

    /// The highest row of the table, 0 while there is none; looks at the end only, so that looking costs nothing.
    private func last(_ file: String) throws -> Int64 {
        guard FileManager.default.fileExists(atPath: file) else { return 0 }
        let database = try Database(path: file, mode: .readOnly, busyTimeout: 30_000)
        defer { database.close() }
        do {
            guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'journal'") == 1 else { return 0 }
            return try database.integer("SELECT coalesce(max(number), 0) FROM journal") ?? 0
        } catch {
            // A transaction that a crash left behind is for the worker to roll back.
            if error.code == .readOnly { return 0 }
            throw error
        }
    }
}
