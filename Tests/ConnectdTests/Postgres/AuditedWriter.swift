import ConnectTesting
import Glibc
import Postgres
import PostgresTesting
import Synchronization

/// Keeps changing tables on a thread of its own, and keeps an account of it beside them: each change is written into the table `audit` in its own
/// transaction, while the row's lock is held, so that an account that is there is exactly what was committed, per key in the order of the commits.
final class AuditedWriter: Sendable {
    private let server: PostgresServer
    private let database: String
    private let tables: [AuditedTable]
    private let name: String
    /// Whether commits return before they are durable, and the writer goes on after the server went down.
    private let isUnsafe: Bool
    private let isStopping = Atomic<Bool>(false)
    private let committed = Atomic<Int>(0)

    init(_ server: PostgresServer, database: String, tables: [AuditedTable], name: String, isUnsafe: Bool) {
        self.server = server
        self.database = database
        self.tables = tables
        self.name = name
        self.isUnsafe = isUnsafe
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }
    var transactions: Int { committed.load(ordering: .relaxed) }

    static func prepare(_ sql: Connection, _ tables: [AuditedTable]) throws {
        try sql.execute(
            """
            CREATE SEQUENCE stamps; CREATE TABLE unrelated (x int);
            CREATE TABLE audit (n bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), tbl text, op text, key text, stamp bigint)
            """)
        for table in tables {
            try sql.execute(table.definition)
            for key in table.keys.prefix(table.keys.count / 2) {
                try sql.execute("INSERT INTO \(table.name) VALUES (\(key.joined(separator: ", ")), nextval('stamps'), 'there before')")
            }
        }
    }

    /// Runs until ``stop()``.
    func run(seed: UInt64) throws {
        var random = RandomNumbers(seed: seed)
        var sql = try open(), count = 0
        while !isStopping.load(ordering: .relaxed) {
            count += 1
            do { try transaction(sql, "\(name)_\(count)", &random) } catch let error as PostgresError {
                // Deadlocks, lock timeouts and taken keys are part of the weather.
                if sql.isOpen {
                    _ = try? sql.execute("ROLLBACK")
                } else if isUnsafe {
                    usleep(20_000)
                    if let again = try? open() { sql = again }
                } else {
                    throw error
                }
            }
            // Sets the pace of the load; nothing waits for it.
            usleep(UInt32.random(in: 0...15_000, using: &random))
        }
    }

    private func open() throws -> Connection {
        let sql = try server.connect(database)
        try sql.execute("SET lock_timeout = '300ms'; SET deadlock_timeout = '50ms'; SET synchronous_commit = \(isUnsafe ? "off" : "on")")
        return sql
    }

    private func transaction(_ sql: Connection, _ name: String, _ random: inout RandomNumbers) throws {
        try sql.execute("BEGIN")
        // Half of them get their number long before they change what is captured.
        if random.oneIn(2) { try sql.execute("INSERT INTO unrelated VALUES (1)") }
        for step in 0..<Int.random(in: 1...4, using: &random) {
            let isSaved = random.oneIn(3)
            if isSaved { try sql.execute("SAVEPOINT s\(step)") }
            try change(sql, tables[Int.random(in: 0..<tables.count, using: &random)], &random)
            if isSaved, random.oneIn(3) { try sql.execute("ROLLBACK TO SAVEPOINT s\(step)") }
            if random.oneIn(4) { usleep(UInt32.random(in: 0...5000, using: &random)) }
        }
        if random.oneIn(3) { usleep(UInt32.random(in: 0...20_000, using: &random)) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: try sql.execute("ROLLBACK")
        case 1:
            try sql.execute("PREPARE TRANSACTION '\(name)'")
            usleep(UInt32.random(in: 0...30_000, using: &random))
            try sql.execute(random.oneIn(5) ? "ROLLBACK PREPARED '\(name)'" : "COMMIT PREPARED '\(name)'")
        default: try sql.execute("COMMIT")
        }
        committed.add(1, ordering: .relaxed)
    }

    private func change(_ sql: Connection, _ table: AuditedTable, _ random: inout RandomNumbers) throws {
        let key = table.keys[Int.random(in: 0..<table.keys.count, using: &random)]
        let other = table.keys[Int.random(in: 0..<table.keys.count, using: &random)]
        let fresh = "stamp = nextval('stamps'), note = \(["NULL", "''", "'it''s \"so\" \\ '", "'\u{1F3EA}'"][Int.random(in: 0..<4, using: &random)])"
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1:
            // The stamp of an update is drawn once the row is locked.
            try written(
                sql, table, "w", "INSERT INTO \(table.name) VALUES (\(key.joined(separator: ", ")), nextval('stamps'), 'new') ON CONFLICT (\(table.keyColumns.joined(separator: ", "))) DO UPDATE SET \(fresh)")
        case 2, 3: try written(sql, table, "d", "DELETE FROM \(table.name) WHERE \(table.isAt(key))")
        case 4, 5: try move(sql, table, key, other)
        case 6:
            let rows = table.keyColumns.count == 1 ? "id BETWEEN \(key[0]) AND \(key[0]) + 3" : "shop = \(key[0])"
            try written(sql, table, "w", "UPDATE \(table.name) SET \(fresh) WHERE \(rows)")
        default: try written(sql, table, "w", "UPDATE \(table.name) SET \(fresh) WHERE \(table.isAt(key))")
        }
    }

    /// A statement with its account, which is written row for row as the rows are.
    private func written(_ sql: Connection, _ table: AuditedTable, _ operation: String, _ statement: String) throws {
        try sql.execute(
            "WITH x AS (\(statement) RETURNING \(table.keyText) AS key, stamp) INSERT INTO audit (tbl, op, key, stamp) SELECT '\(table.name)', '\(operation)', key, stamp FROM x")
    }

    /// Another key: the end of one row and the beginning of another.
    private func move(_ sql: Connection, _ table: AuditedTable, _ key: [String], _ other: [String]) throws {
        // A row that comes between the two looks would move onto itself, which is an update and no end.
        if key == other { return }
        if try sql.execute("SELECT FROM \(table.name) WHERE \(table.isAt(other))").rowCount > 0 { return }
        let old = try sql.execute("SELECT \(table.keyText), stamp FROM \(table.name) WHERE \(table.isAt(key)) FOR UPDATE")
        guard let text = old.text(0, 0), let stamp = old.integer(0, 1) else { return }
        _ = try sql.query("INSERT INTO audit (tbl, op, key, stamp) VALUES ('\(table.name)', 'd', $1, $2)", [.text(text), .text(String(stamp))])
        let change = zip(table.keyColumns, other).map { "\($0) = \($1)" }.joined(separator: ", ")
        try written(sql, table, "w", "UPDATE \(table.name) SET \(change), stamp = nextval('stamps') WHERE \(table.isAt(key))")
    }
}
