internal import ConnectRuntime
internal import Postgres

/// Names a database, and tables in it, the same whatever address it is reached by; a standby is its primary.
struct DatabaseIdentity: Sendable, Hashable {
    private let text: String

    /// `nil` where the role may not ask. Outside of a transaction: being refused would end it.
    static func read(_ connection: Connection) throws(PostgresError) -> DatabaseIdentity? {
        do throws(PostgresError) {
            let result = try connection.execute(
                "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()), (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())")
            guard let system = result.text(0, 0), let database = result.text(0, 1) else { return nil }
            return DatabaseIdentity(text: "postgresql:\(system)/\(database)/")
        } catch {
            if error.has("42501") { return nil }
            throw error
        }
    }

    func table(_ oid: UInt32) -> String { text + String(oid) }
    func holds(_ table: CapturedTable) -> Bool { table.identity.utf8.starts(with: text.utf8) }

    /// The tables of a source, for the sinks of its worker.
    func captured(_ tables: [PostgresTable], _ options: SourceOptions, database: String) -> [CapturedTable] {
        tables.map { table in
            CapturedTable(
                identity: self.table(table.oid), name: table.display, source: ["db": database, "schema": table.schema, "table": table.name], topic: options.topic(of: table))
        }
    }

    /// The table that a partition belongs to, else the table itself: what is written to one is captured as the other's. `$1` a table's number.
    static let root = "SELECT coalesce(pg_catalog.pg_partition_root($1::oid::pg_catalog.regclass)::oid, $1::oid)"
}

extension ConnectError {
    /// A sink that would feed itself.
    static func loop(_ captured: CapturedTable, _ place: String) -> ConnectError {
        ConnectError(
            .configuration, code: "sink.loop",
            "table \(captured.name) of \(place) is captured by connector \(captured.connector) into topic \(captured.topic), and this sink writes that topic into the same table: what it writes would come back to it, without end",
            suggestion: "write to another table (table.name.format) or database, or leave the table out of \(captured.connector)")
    }
}
