internal import ConnectRuntime
internal import Postgres

/// A table as the server's catalogue describes it.
struct PostgresTable: Sendable, Hashable {
    struct Column: Sendable, Hashable {
        let name: String
        let type: PostgresType
        /// The type as SQL writes it: `character varying(20)`.
        let sqlName: String
        let isNotNull: Bool
    }

    let oid: UInt32
    let schema: String
    let name: String
    /// Partitioned, or no table but a view or a foreign table: whatever is not read with ONLY.
    let isPartitioned: Bool
    let columns: [Column]
    /// Names of the primary key's columns in its order; empty without one.
    let key: [String]
    /// Whether the primary key is checked at the end of the transaction.
    let isKeyDeferrable: Bool

    var qualified: String { Quoting.qualified(schema, name) }
    /// For people: `public.orders`.
    var display: String { "\(schema).\(name)" }
}

/// Reads tables, columns, keys and types. Called on the task's thread.
struct PostgresCatalog {
    let connection: Connection

    struct Listed: Sendable, Hashable {
        let oid: UInt32
        let schema: String
        let name: String
        /// `public.orders`
        var fullName: Name { Name("\(schema).\(name)") }
    }

    /// All tables that could be captured: ordinary and partitioned ones; partitions belong to their root.
    /// - Parameter kinds: letters of `relkind`.
    func tables(kinds: Set<String>) throws(PostgresError) -> [Listed] {
        let result = try connection.query(
            """
            SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind::text = ANY ($1::text[]) AND NOT c.relispartition AND c.relpersistence <> 't'
              AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'connectd') ORDER BY n.nspname, c.relname
            """, [.textArray(kinds.sorted())])
        return (0..<result.rowCount).map { row in
            Listed(oid: UInt32(result.text(row, 0) ?? "") ?? 0, schema: result.text(row, 1) ?? "", name: result.text(row, 2) ?? "")
        }
    }

    /// The tables in full; one that is gone is missing.
    func describe(_ oids: [UInt32]) throws(PostgresError) -> [PostgresTable] {
        let list = Parameter.text("{" + oids.map(String.init).joined(separator: ",") + "}")
        let heads = try connection.query(
            "SELECT c.oid, n.nspname, c.relname, c.relkind <> 'r' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[])",
            [list])
        let attributes = try connection.query(
            """
            SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attndims, a.attnotnull, pg_catalog.format_type(a.atttypid, a.atttypmod)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum
            """, [list])
        let keys = try connection.query(
            """
            SELECT i.indrelid, a.attname, NOT i.indimmediate FROM pg_catalog.pg_index i
            CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indisprimary AND i.indrelid = ANY ($1::oid[]) AND k.place <= i.indnkeyatts ORDER BY i.indrelid, k.place
            """, [list])
        var types = TypeResolver(connection)
        try types.load((0..<attributes.rowCount).compactMap { attributes.text($0, 2).flatMap { UInt32($0) } })
        var columns: [UInt32: [PostgresTable.Column]] = [:]
        for row in 0..<attributes.rowCount {
            guard let table = attributes.text(row, 0).flatMap({ UInt32($0) }), let type = attributes.text(row, 2).flatMap({ UInt32($0) }) else { continue }
            let modifier = Int32(attributes.text(row, 3) ?? "") ?? -1, dimensions = Int(attributes.text(row, 4) ?? "") ?? 0
            columns[table, default: []].append(
                PostgresTable.Column(
                    name: attributes.text(row, 1) ?? "", type: types.resolve(type, modifier: modifier, dimensions: dimensions),
                    sqlName: attributes.text(row, 6) ?? "", isNotNull: attributes.boolean(row, 5)))
        }
        var keyNames: [UInt32: [String]] = [:], deferrable: Set<UInt32> = []
        for row in 0..<keys.rowCount {
            guard let table = keys.text(row, 0).flatMap({ UInt32($0) }) else { continue }
            keyNames[table, default: []].append(keys.text(row, 1) ?? "")
            if keys.boolean(row, 2) { deferrable.insert(table) }
        }
        return (0..<heads.rowCount).compactMap { row in
            guard let oid = heads.text(row, 0).flatMap({ UInt32($0) }) else { return nil }
            return PostgresTable(
                oid: oid, schema: heads.text(row, 1) ?? "", name: heads.text(row, 2) ?? "", isPartitioned: heads.boolean(row, 3),
                columns: columns[oid] ?? [], key: keyNames[oid] ?? [], isKeyDeferrable: deferrable.contains(oid))
        }
    }
}
