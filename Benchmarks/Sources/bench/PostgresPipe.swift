import ConnectRuntime
import EmbeddedLog
import Postgres
import PostgresTesting

/// A PostgreSQL server of its own in a temporary folder, a table to capture, and a worker's folder.
///
/// The server syncs as a real one does, and does nothing by itself that would come between two measurements.
final class PostgresPipe {
    static let topic = TopicPartition("shop.public.orders", 0)
    static let columns = "id bigint PRIMARY KEY, customer text, total double precision, note text, at bigint"

    let server: PostgresServer
    let sql: Connection
    let worker: Worker

    init(folder: String) throws {
        var options = PostgresServer.Options(isDurable: true)
        options.settings = ["shared_buffers = '512MB'", "max_wal_size = '8GB'", "checkpoint_timeout = '1h'", "autovacuum = off"]
        server = try PostgresServer(options)
        sql = try server.connect()
        worker = Worker(folder: folder)
        try sql.execute("CREATE TABLE orders (\(Self.columns))")
    }

    /// For the floors, which speak to the server by themselves.
    var url: String { server.url("postgres") }

    var source: Worker.Connector {
        ("shop", ConfigMap(["connector.class": "PostgresSource", "connection.url": url, "topic.prefix": "shop", "table.include.list": "public.orders"]))
    }
    /// A sink whose copy stands in a schema of its name.
    func sink(_ schema: String) -> Worker.Connector {
        (
            Name(schema),
            ConfigMap([
                "connector.class": "PostgresSink", "connection.url": url, "topics": Self.topic.topic.text, "table.name.format": schema + ".${source.table}",
            ])
        )
    }

    /// Waits until the source has armed its table and stored where it begins.
    func waitUntilArmed(_ log: EmbeddedLog) throws {
        try Worker.waitUntil("the table is armed") {
            try log.offsets.offsets(connector: source.name).contains { !String(decoding: $0.offset.json, as: UTF8.self).contains("\"bf\"") }
        }
    }

    /// Lets the connector arm its table, then inserts every row: a backlog in the change table, as a server that is up to date with itself holds it.
    func makeBacklog(rows: Int) throws {
        try worker.run([source]) { try waitUntilArmed($0) }
        try sql.execute(
            """
            SET synchronous_commit = off; INSERT INTO orders SELECT i, 'customer-' || (i % 1000), (i % 100000) / 100.0::float8,
                'order ' || i || ' of the day, to be delivered by bicycle "before noon"', 1700000000000 + i FROM generate_series(1, \(rows)) i
            """)
        for statement in ["VACUUM ANALYZE connectd.change", "CHECKPOINT"] { try sql.execute(statement) }
    }

    /// Moves the backlog into the topic, from the herder's start to the last record's commit; the seconds it took.
    func fillTopic(rows: Int) throws -> Double {
        try worker.run([source]) { log in
            try Worker.waitUntil("the topic is full") { try log.topic(Self.topic.topic) != nil && log.bounds(of: Self.topic).end == rows }
        }
    }

    /// Moves the topic into the copy, from the herder's start to the last row's commit; the seconds it took.
    func fillCopy(_ schema: String, rows: Int) throws -> Double {
        try worker.run([sink(schema)]) { _ in
            try Worker.waitUntil("there is a copy") { try sql.execute("SELECT to_regclass('\(schema).orders') IS NOT NULL").boolean(0, 0) }
            try Worker.waitUntil("the copy is full", everyMicroseconds: 10_000) {
                try sql.execute("SELECT max(id) FROM \(schema).orders").integer(0, 0) == Int64(rows)
            }
        }
    }
}
