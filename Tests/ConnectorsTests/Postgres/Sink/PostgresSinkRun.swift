import ConnectRuntime
import ConnectTesting
@preconcurrency import Connectors
import Postgres
import PostgresTesting
import Testing

/// A PostgreSQL sink task under test, on a database of the shared server.
final class PostgresSinkRun {
    let context = TestSinkContext("copy")
    let reporter: TestReporter
    let task = PostgresSinkTask()
    private let map: ConfigMap

    init(_ url: String, _ more: KeyValuePairs<Name, String> = [:], more others: [(Name, String)] = [], reporter: TestReporter = TestReporter(), reports: Bool = true) {
        self.reporter = reporter
        var map = ConfigMap(["connection.url": url])
        for (name, value) in Array(more) + others { map[name] = .some(value) }
        self.map = map
        if reports { context.reporter = reporter }
    }

    func start() throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("PostgresSink") { $0 == .sink })
        let (config, problems) = plugin.definition.parse(map)
        try #require(problems.isEmpty, "\(problems)")
        try task.start(config, context: context)
    }

    /// Starts, claims and writes all of a topic in batches.
    func write(_ topic: TestTopic, batch: Int = 1000) throws {
        try start()
        defer { task.stop() }
        var position = try task.open([topic.assigned])[topic.partition] ?? 0
        while position < topic.records.count {
            let entries = topic.batch(from: position, count: batch)
            try task.put(entries)
            position += Int64(entries.count)
        }
    }
}

/// A database of its own to write to.
struct PostgresTarget {
    let url: String
    let sql: Connection
    let server: PostgresServer
    let database: String

    init(_ server: PostgresServer? = nil) throws {
        let server = try server ?? PostgresServer.shared()
        self.server = server
        database = try server.makeDatabase()
        url = server.url(database)
        sql = try server.connect(database)
    }

    func text(_ query: String) throws -> String? {
        let result = try sql.execute(query)
        return result.rowCount == 0 ? nil : result.text(0, 0)
    }
    /// `id:v` of every row of `t`.
    var content: String { get throws { try text("SELECT string_agg(id || ':' || coalesce(v::text, '-'), ' ' ORDER BY id) FROM t") ?? "" } }

    /// Something that cuts connections at messages of PostgreSQL's protocol.
    func proxy() throws -> CuttingProxy {
        try CuttingProxy(to: "\(server.folder)/.s.PGSQL.\(server.port)") { bytes, isFirst in
            let start = isFirst ? 0 : 1
            guard bytes.count >= start + 4 else { return nil }
            return start + bytes[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
    }
    func url(through proxy: CuttingProxy) -> String {
        "postgresql://postgres@127.0.0.1:\(proxy.port)/\(database)?sslmode=disable&gssencmode=disable"
    }
}
