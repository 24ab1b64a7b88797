import ConnectRuntime
import SQLite

/// The demonstration's shop: two small tables in a SQLite file. Each row holds the number of the change that wrote it, so that
/// its arrival elsewhere can be told.
enum Shop {
    static let tables = ["customers", "orders"]

    static func create(_ path: String) throws {
        let database = try Database(path: path, mode: .create)
        defer { database.close() }
        try database.execute(
            """
            PRAGMA journal_mode=WAL;
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, change INTEGER NOT NULL);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, total TEXT NOT NULL, state TEXT, change INTEGER NOT NULL);
            INSERT INTO customers VALUES (1, 'Ada', 'London', 0), (2, 'Lin', 'Taipei', 0), (3, 'Zoë', NULL, 0);
            INSERT INTO orders VALUES (1, 1, '12.50', 'paid', 0), (2, 2, '7.00', 'new', 0), (3, 1, '99.95', 'new', 0);
            """)
    }

    static func columns(_ table: String) -> [String] {
        table == "orders" ? ["id", "customer", "total", "state", "change"] : ["id", "name", "city", "change"]
    }

    /// A table's rows as lines of text, ordered by key: types told apart, so that equal lines are equal rows.
    static func rows(_ table: String, of database: Database) throws -> [String] {
        let list = columns(table).map { "quote(\($0))" }.joined(separator: " || ',' || ")
        let statement = try database.prepare("SELECT \(list) FROM \(table) ORDER BY id", isKept: false)
        defer { statement.finalize() }
        var rows: [String] = []
        while try statement.step() { rows.append(statement.string(at: 0)) }
        return rows
    }

    /// A file's tables; `nil` while one is not there yet.
    static func content(_ path: String) -> [[String]]? {
        guard let database = try? Database(path: path, mode: .readOnly) else { return nil }
        defer { database.close() }
        return try? tables.map { try rows($0, of: database) }
    }
}
