import ConnectRuntime
import Postgres
import PostgresTesting
import Testing

/// A database of its own on the shared server, and a source that captures it.
struct PostgresRun {
    static let why: Comment = "no PostgreSQL server here: install postgresql or set POSTGRES_BIN"

    let server: PostgresServer
    let database: String
    let sql: Connection

    /// - Parameter database: one that is there already; `nil` makes one.
    init(_ server: PostgresServer? = nil, database: String? = nil) throws {
        self.server = try server ?? PostgresServer.shared()
        self.database = try database ?? self.server.makeDatabase()
        sql = try self.server.connect(self.database)
    }

    func connect() throws -> Connection { try server.connect(database) }

    func map(_ more: KeyValuePairs<Name, String> = [:]) -> ConfigMap {
        var map = ConfigMap([
            "connector.class": "PostgresSource", "connection.url": server.url(database), "topic.prefix": "t", "poll.interval.ms": "50",
        ])
        for (name, value) in more { map[name] = .some(value) }
        return map
    }

    func source(_ more: KeyValuePairs<Name, String> = [:], context: TestSourceContext = TestSourceContext()) throws -> SourceRun {
        try SourceRun("PostgresSource", map(more), context: context)
    }
}

extension Record {
    /// A field of the envelope.
    func field(_ name: Name) -> Value? {
        guard case .structure(let value) = value else { return nil }
        return value.value(of: name)
    }
    var op: String? {
        guard case .string(let op)? = field("op") else { return nil }
        return op
    }
    /// A field of the row after or before.
    func column(_ name: Name, of row: Name = "after") -> Value? {
        guard case .structure(let value)? = field(row) else { return nil }
        return value.value(of: name)
    }
    func keyColumn(_ name: Name) -> Value? {
        guard case .structure(let value) = key else { return nil }
        return value.value(of: name)
    }
}

extension SourceRun {
    /// Polls until the rows that were there are delivered and nothing is new.
    func settle(polls: Int = 200) throws {
        for _ in 0..<polls where try poll().isEmpty { return }
        throw ServerProblem("the source does not come to rest")
    }

    /// Polls until so many live records came, or for a bounded number of polls.
    func live(_ enough: Int, polls: Int = 60) throws -> [Record] {
        var records: [Record] = []
        for _ in 0..<polls where records.count < enough {
            records += try poll().entries.filter(\.outcome.isLive).map(\.record)
        }
        return records
    }
}
