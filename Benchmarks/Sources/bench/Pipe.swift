import ConnectRuntime
import EmbeddedLog
import Glibc
import SQLite

/// A source file, a data folder and a copy.
struct Pipe {
    let folder: String
    let rows: Int

    var sourceFile: String { folder + "/source.db" }
    var copyFile: String { folder + "/copy.db" }
    var worker: Worker { Worker(folder: folder) }

    static let table = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total REAL, note TEXT, at INTEGER)"
    static let topic = TopicPartition("shop.orders", 0)

    /// Makes the source, lets the connector arm its table, then changes every row once: a backlog in the change table.
    init(folder: String, rows: Int) throws {
        self.folder = folder
        self.rows = rows
        let source = try Database(path: sourceFile, mode: .create)
        defer { source.close() }
        try source.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; \(Self.table)")
        let armed = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'connectd_orders_%'"
        try worker.run([self.source]) { _ in try Worker.waitUntil("the table is armed") { try source.integer(armed) == 3 } }
        try source.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            INSERT INTO orders SELECT i, 'customer-' || (i % 1000), (i % 100000) / 100.0,
                'order ' || i || ' of the day, to be delivered by bicycle "before noon"', 1700000000000 + i FROM n
            """)
        _ = try source.checkpoint(.truncate)
    }

    var source: Worker.Connector {
        ("shop", ConfigMap(["connector.class": "SqliteSource", "connection.url": "sqlite:\(sourceFile)", "topic.prefix": "shop", "table.include.list": "orders"]))
    }
    var sink: Worker.Connector {
        ("copy", ConfigMap(["connector.class": "SqliteSink", "connection.url": "sqlite:\(copyFile)", "topics": "shop.orders"]))
    }

    /// Moves the backlog into the topic, from the herder's start to the last record's commit; the seconds it took.
    func fillTopic() throws -> Double {
        try worker.run([source]) { log in try Worker.waitUntil("the topic is full") { try log.topic(Self.topic.topic) != nil && log.bounds(of: Self.topic).end == rows } }
    }

    /// Moves the topic into the copy, from the herder's start to the last row's commit; the seconds it took.
    func fillCopy() throws -> Double {
        try worker.run([sink]) { _ in
            try Worker.waitUntil("there is a copy") { access(copyFile, F_OK) == 0 }
            let copy = try Database(path: copyFile, mode: .readOnly)
            try Worker.waitUntil("there is a table") { try copy.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'orders'") == 1 }
            let last = try copy.prepare("SELECT max(id) FROM orders")
            // Looked at rarely: a reader of the copy keeps its WAL from being reset.
            try Worker.waitUntil("the copy is full", everyMicroseconds: 20_000) {
                defer { last.reset() }
                return try last.step() && last.int64(at: 0) == Int64(rows)
            }
        }
    }
}
