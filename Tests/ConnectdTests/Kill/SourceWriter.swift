import Glibc
import ConnectTesting
import SQLite
import Synchronization

/// Keeps changing the tables of a file on a thread of its own, in transactions of 1–20 changes, one in six rolled back.
final class SourceWriter: Sendable {
    private let path: String
    private let tables: [SourceTable]
    private let stamps: Stamps
    private let isStopping = Atomic<Bool>(false)
    private let committed = Atomic<Int>(0)

    /// Numbers that no two versions of rows share.
    final class Stamps: Sendable {
        private let last = Atomic<Int64>(0)
        func next() -> Int64 { last.add(1, ordering: .relaxed).newValue }
    }

    init(path: String, tables: [SourceTable], stamps: Stamps) {
        self.path = path
        self.tables = tables
        self.stamps = stamps
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Changes committed so far.
    var changes: Int { committed.load(ordering: .relaxed) }

    /// Runs until ``stop()``.
    /// - Parameter pauseMicroseconds: how long it rests between transactions, at most; sets the load.
    func run(seed: UInt64, pauseMicroseconds: UInt32) throws {
        var random = RandomNumbers(seed: seed)
        let database = try Self.open(path)
        defer { database.close() }
        let statements = try tables.map { try Statements($0, database) }
        let journal = try database.prepare("INSERT INTO journal (stamp, words) VALUES (?1, ?2)")
        while !isStopping.load(ordering: .relaxed) {
            try database.execute("BEGIN IMMEDIATE")
            let count = Int.random(in: 1...20, using: &random)
            for _ in 0..<count {
                try statements[Int.random(in: 0..<statements.count, using: &random)].change(stamps, &random)
            }
            try journal.bind(stamps.next(), at: 1)
            try journal.bind(text: "transaction of \(count)", at: 2)
            try journal.run()
            if random.oneIn(6) {
                try database.execute("ROLLBACK")
            } else {
                try database.execute("COMMIT")
                committed.add(count, ordering: .relaxed)
            }
            // Sets the pace of the load; nothing waits for it.
            usleep(UInt32.random(in: 0...pauseMicroseconds, using: &random))
        }
    }

    static func open(_ path: String) throws -> Database {
        let database = try Database(path: path, mode: .create, busyTimeout: 30_000)
        // A user's file: whatever its journal is, and no more syncing than its owner wants.
        try database.execute("PRAGMA synchronous=OFF")
        return database
    }

    /// Makes the file with its tables and some rows that are there before anybody watches.
    static func makeFile(_ path: String, tables: [SourceTable], stamps: Stamps, seed: UInt64, journalMode: String = "WAL") throws {
        var random = RandomNumbers(seed: seed)
        let database = try open(path)
        defer { database.close() }
        try database.execute("PRAGMA journal_mode=\(journalMode)")
        try database.execute("CREATE TABLE journal (number INTEGER PRIMARY KEY AUTOINCREMENT, stamp INTEGER NOT NULL, words TEXT)")
        for table in tables { try database.execute(table.definition) }
        try database.transaction(.immediate) {
            for table in tables {
                let statements = try Statements(table, database)
                for key in table.keys where !random.oneIn(3) { try statements.insert(key, stamps, &random) }
            }
        }
    }
}

/// The statements of one table on one connection.
private struct Statements {
    let table: SourceTable
    let exists: Statement
    let insertion: Statement
    let update: Statement
    let deletion: Statement
    let keyChange: Statement

    init(_ table: SourceTable, _ database: Database) throws {
        self.table = table
        let name = try quotedIdentifier(table.name)
        let keys = try table.quoted(table.keyColumns), others = try table.quoted(["stamp"] + table.columns.map(\.name))
        let isKey = keys.enumerated().map { "\($1) = ?\($0 + 1)" }.joined(separator: " AND ")
        let newValues = others.enumerated().map { "\($1) = ?\($0 + keys.count + 1)" }.joined(separator: ", ")
        let newKey = keys.enumerated().map { "\($1) = ?\($0 + keys.count + others.count + 1)" }.joined(separator: ", ")
        exists = try database.prepare("SELECT 1 FROM \(name) WHERE \(isKey)")
        insertion = try database.prepare("INSERT INTO \(name) (\((keys + others).joined(separator: ", "))) VALUES (\((1...keys.count + others.count).map { "?\($0)" }.joined(separator: ", ")))")
        update = try database.prepare("UPDATE \(name) SET \(newValues) WHERE \(isKey)")
        deletion = try database.prepare("DELETE FROM \(name) WHERE \(isKey)")
        keyChange = try database.prepare("UPDATE \(name) SET \(newKey), \(newValues) WHERE \(isKey)")
    }

    /// One change that has an effect: of a key that has a row an update, delete or key change, else an insert.
    func change(_ stamps: SourceWriter.Stamps, _ random: inout RandomNumbers) throws {
        let key = table.keys[Int.random(in: 0..<table.keys.count, using: &random)]
        if try !has(key) { return try insert(key, stamps, &random) }
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3:
            try run(deletion, key)
        case 3..<5:
            let other = table.keys[Int.random(in: 0..<table.keys.count, using: &random)]
            if try has(other) { return try run(update, key + fresh(stamps, &random)) }
            try run(keyChange, key + fresh(stamps, &random) + other)
        default:
            try run(update, key + fresh(stamps, &random))
        }
    }

    func insert(_ key: [Cell], _ stamps: SourceWriter.Stamps, _ random: inout RandomNumbers) throws {
        try run(insertion, key + fresh(stamps, &random))
    }

    private func fresh(_ stamps: SourceWriter.Stamps, _ random: inout RandomNumbers) -> [Cell] {
        [.integer(stamps.next())] + table.randomCells(&random)
    }

    private func has(_ key: [Cell]) throws -> Bool {
        for (index, cell) in key.enumerated() { try cell.bind(to: exists, at: Int32(index + 1)) }
        defer { exists.reset() }
        return try exists.step()
    }

    private func run(_ statement: Statement, _ cells: [Cell]) throws {
        for (index, cell) in cells.enumerated() { try cell.bind(to: statement, at: Int32(index + 1)) }
        try statement.run()
    }
}
