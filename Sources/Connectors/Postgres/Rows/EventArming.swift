internal import ConnectRuntime
internal import Postgres

/// What an existing event table needs to be tailed by snapshots: a column with its rows' transactions' numbers, filled by the server, and an index on it.
struct EventArming: Sendable, Hashable {
    struct Found: Sendable, Hashable {
        /// The column's type as SQL writes it; `nil` without the column.
        var type: String?
        var defaultText: String?
        /// Whether there is a valid index on (xid, id).
        var hasIndex = false
        /// Whether an index of ours is there that was not finished.
        var hasInvalidIndex = false
    }

    let table: PostgresTable
    let xid: String
    let id: String
    let found: Found

    private var index: String { "connectd_xid_\(table.oid)" }
    private var column: String { Quoting.identifier(xid) }

    /// Has the server fill the column.
    var setDefault: String { "ALTER TABLE \(table.qualified) ALTER COLUMN \(column) SET DEFAULT pg_catalog.pg_current_xact_id()" }

    /// Added without its default first: with it, all rows would be written anew, under the number of the transaction that does it.
    var alterations: [String] {
        var sql: [String] = []
        if found.type == nil { sql.append("ALTER TABLE \(table.qualified) ADD COLUMN \(column) xid8") }
        if found.type == nil || found.defaultText == nil {
            sql.append(setDefault)
        }
        return sql
    }

    /// Built beside the writers, outside any transaction.
    var indexing: [String] {
        if found.hasIndex { return [] }
        var sql: [String] = []
        if found.hasInvalidIndex { sql.append("DROP INDEX CONCURRENTLY IF EXISTS \(Quoting.qualified(table.schema, index))") }
        sql.append("CREATE INDEX CONCURRENTLY \(Quoting.identifier(index)) ON \(table.qualified) (\(column), \(Quoting.identifier(id)))")
        return sql
    }

    /// What makes such a column of no use, whatever is armed.
    var refusal: ConnectError? {
        if let type = found.type, type != "xid8" {
            return ConnectError(
                .fatal, code: "postgres.source.xid_column", "column \(xid) of table \(table.display) is \(type), not xid8: it does not hold transactions' numbers as snapshots have them",
                suggestion: "name another column in event.xid.column; it is added where it is missing")
        }
        if let text = found.defaultText, !text.contains("pg_current_xact_id()") {
            return ConnectError(
                .fatal, code: "postgres.source.xid_column", "column \(xid) of table \(table.display) has the default \(text): rows would not carry the number of their transaction",
                suggestion: setDefault)
        }
        if table.isPartitioned, !found.hasIndex {
            return ConnectError(
                .fatal, code: "postgres.source.not_armed", "the partitioned table \(table.display) has no index on (\(xid), \(id)), and one cannot be built beside its writers in one step",
                suggestion: "run "
                    + (alterations + ["CREATE INDEX ON ONLY \(table.qualified) (\(column), \(Quoting.identifier(id)))"]).joined(separator: "; ")
                    + ", then build the index on each partition with CONCURRENTLY and attach it")
        }
        return nil
    }

    static func inspect(_ connection: Connection, _ table: PostgresTable, xid: String, id: String) throws(PostgresError) -> EventArming {
        let column = try connection.query(
            """
            SELECT pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = $1::oid AND a.attname = $2::text AND a.attnum > 0 AND NOT a.attisdropped
            """, [.text(String(table.oid)), .text(xid)])
        let indexes = try connection.query(
            """
            SELECT i.indisvalid AND i.indpred IS NULL AND (SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k (number, place)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE k.place <= 2) = ARRAY[$2::text, $3::text],
              c.relname = $4::text AND NOT i.indisvalid
            FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid
            """, [.text(String(table.oid)), .text(xid), .text(id), .text("connectd_xid_\(table.oid)")])
        var found = Found()
        if column.rowCount == 1 {
            found.type = column.text(0, 0)
            found.defaultText = column.text(0, 1)
        }
        for row in 0..<indexes.rowCount {
            if indexes.boolean(row, 0) { found.hasIndex = true }
            if indexes.boolean(row, 1) { found.hasInvalidIndex = true }
        }
        return EventArming(table: table, xid: xid, id: id, found: found)
    }

    /// Makes what is missing, or refuses with the SQL.
    func arm(_ connection: Connection, _ options: SourceOptions, _ context: any SourceTaskContext) throws {
        if let refusal { throw refusal }
        let statements = alterations + indexing
        if statements.isEmpty || (options.arm == .off && found.type != nil) { return }
        let suggestion = "let the table's owner run:\n" + statements.joined(separator: ";\n") + ";"
        if options.arm != .auto {
            throw ConnectError(
                .fatal, code: "postgres.source.not_armed", "table \(table.display) has no column \(xid) with its transactions' numbers and an index on it, and arm=\(options.arm.rawValue) does not make them",
                suggestion: suggestion)
        }
        do throws(PostgresError) {
            if !alterations.isEmpty {
                try connection.execute("BEGIN")
                try connection.execute("SET LOCAL lock_timeout TO \(options.lockTimeout)")
                for statement in alterations { try connection.execute(statement) }
                try connection.execute("COMMIT")
            }
            if !indexing.isEmpty {
                context.note("building an index on \(table.display) (\(xid), \(id)) beside its writers")
                // The server says nothing until the index is there.
                let limit = connection.silenceLimitMilliseconds
                connection.silenceLimitMilliseconds = EventArming.longestIndexingMilliseconds
                defer { connection.silenceLimitMilliseconds = limit }
                for statement in indexing { try connection.execute(statement) }
                context.note(nil)
            }
        } catch {
            if connection.isOpen, connection.isInTransaction { _ = try? connection.execute("ROLLBACK") }
            if error.has("42501") {
                throw ConnectError(
                    .fatal, code: "postgres.source.not_armed", "the connector's user may not alter table \(table.display): \(error.message)",
                    suggestion: suggestion + "\nor set mode=fence, which needs nothing but SELECT")
            }
            throw error
        }
        _ = connection.takeNotices()
        context.logger.info("table \(table.display) has what a tail by snapshots needs (\(statements.count) statements)")
    }

    static let longestIndexingMilliseconds = 86_400_000
}
