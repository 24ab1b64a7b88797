internal import ConnectRuntime
internal import Postgres

/// A table to write to, as the server's catalogue describes it.
struct TargetTable {
    struct Column {
        let name: String
        let type: PostgresType
        /// The type with its modifier as SQL writes it, for a stage's column.
        let sqlName: String
        /// The type without modifier, quoted: casting to it cuts nothing off, which assigning to the column then judges.
        let castName: String
        let isGenerated: Bool
        let isNotNull: Bool
        /// Whether two of its values are equal exactly when their texts are.
        let isExact: Bool
        let isIdentityAlways: Bool
    }

    let oid: UInt32
    let schema: String
    let name: String
    let columns: [Column]
    /// Columns of each unique, immediate, whole index without expressions; arbiters of an upsert.
    let uniqueKeys: [[String]]
    /// Whether more than one thing is unique: rows of different keys may exclude each other.
    let hasOtherUniqueThings: Bool
    let hasTriggers: Bool
    /// Whether foreign keys lead from here or to here.
    let hasReferences: Bool
    let hasDeferredConstraints: Bool
    /// Whether COPY cannot write to it: row level security, a view.
    let refusesCopy: Bool

    /// Columns by their exact names.
    let byName: [Name: Column]

    var qualified: String { Quoting.qualified(schema, name) }
}

/// Finds and describes tables to write to. Called on the task's thread, inside the batch's transaction.
struct TargetCatalog {
    let run: (String, [Parameter]) throws -> QueryResult
    let connection: Connection

    /// The table a name means: spelled exactly so, else the only one that differs in case alone.
    /// - Returns: `nil` when there is none. Throws a data error when several could be meant.
    func find(_ table: SinkTable) throws -> TargetTable? {
        let result = try run(
            """
            SELECT c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity,
              EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'),
              EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND (k.conrelid = c.oid OR k.confrelid = c.oid)),
              EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.condeferred)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'f') AND c.relpersistence <> 't' AND pg_catalog.lower(c.relname) = pg_catalog.lower($1)
              AND CASE WHEN $2::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $2 END
            ORDER BY c.relname <> $1, c.oid
            """, [.text(table.name.text), table.schema.map { .text($0.text) } ?? .null])
        guard result.rowCount > 0, let oid = result.text(0, 0).flatMap({ UInt32($0) }) else { return nil }
        let schema = result.text(0, 1) ?? "", name = result.text(0, 2) ?? ""
        if !equalBytes(name, table.name.text), result.rowCount > 1 {
            throw ConnectError(
                .data, code: "sink.ambiguous_table", "\(table) may mean \(schema).\(name) or \(result.text(1, 1) ?? "").\(result.text(1, 2) ?? "")",
                suggestion: "write the name in table.name.format as the database spells it")
        }
        let kind = result.text(0, 3)
        let columns = try columns(oid)
        let indexes = try indexes(oid)
        return TargetTable(
            oid: oid, schema: schema, name: name, columns: columns, uniqueKeys: indexes.keys, hasOtherUniqueThings: indexes.count > 1,
            hasTriggers: result.boolean(0, 5), hasReferences: result.boolean(0, 6), hasDeferredConstraints: result.boolean(0, 7),
            refusesCopy: result.boolean(0, 4) || kind == "v" || kind == "f", byName: Dictionary(columns.map { (Name($0.name), $0) }) { $1 })
    }

    private func columns(_ oid: UInt32) throws -> [TargetTable.Column] {
        let result = try run(
            """
            SELECT a.attname, a.atttypid, a.atttypmod, a.attndims, pg_catalog.format_type(a.atttypid, a.atttypmod),
              pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname), a.attgenerated <> '', a.attnotnull,
              coalesce(l.collisdeterministic, true), a.attidentity = 'a'
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
            WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [.text(String(oid))])
        var types = TypeResolver(connection)
        try types.load((0..<result.rowCount).compactMap { result.text($0, 1).flatMap { UInt32($0) } })
        return (0..<result.rowCount).map { row in
            let number = result.text(row, 1).flatMap { UInt32($0) } ?? 0
            let type = types.resolve(number, modifier: result.text(row, 2).flatMap { Int32($0) } ?? -1, dimensions: Int(result.text(row, 3) ?? "") ?? 0)
            return TargetTable.Column(
                name: result.text(row, 0) ?? "", type: type, sqlName: result.text(row, 4) ?? "", castName: result.text(row, 5) ?? "",
                isGenerated: result.boolean(row, 6), isNotNull: result.boolean(row, 7),
                isExact: result.boolean(row, 8) && TargetCatalog.isExact(type.base, number, result.text(row, 5) ?? ""), isIdentityAlways: result.boolean(row, 9))
        }
    }

    /// Types whose values are equal exactly when what we send is: no padding, no case folding, no second spelling.
    private static func isExact(_ type: PostgresType, _ number: UInt32, _ castName: String) -> Bool {
        switch type {
        case .int16, .int32, .int64, .boolean, .bytes, .uuid, .date, .timestamp, .time: true
        case .text: number != TypeNumber.bpchar && !castName.hasSuffix(".citext")
        default: false
        }
    }

    private func indexes(_ oid: UInt32) throws -> (keys: [[String]], count: Int) {
        let result = try run(
            """
            SELECT i.indexrelid, i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisexclusion, a.attname
            FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = $1::oid AND (i.indisunique OR i.indisexclusion) AND k.place <= i.indnkeyatts ORDER BY i.indexrelid, k.place
            """, [.text(String(oid))])
        var keys: [[String]] = [], last: String?, count = 0
        for row in 0..<result.rowCount {
            let isNew = result.text(row, 0) != last
            last = result.text(row, 0)
            if isNew { count += 1 }
            guard result.boolean(row, 1) else { continue }
            if isNew { keys.append([]) }
            keys[keys.count - 1].append(result.text(row, 2) ?? "")
        }
        return (keys, count)
    }
}
