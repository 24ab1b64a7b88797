internal import ConnectRuntime
internal import Postgres

/// A column whose number the server draws from a sequence.
struct DrawnNumber: Sendable, Hashable {
    let column: String
    /// The sequence, quoted; `nil` for numbers that the application makes.
    let sequence: String?
    let cache: Int64
    let increment: Int64
    let cycles: Bool
    /// The newest number that was drawn, where we may know it.
    let newest: Int64?

    static let sql = """
        SELECT a.attname, s.seqcache, s.seqincrement, s.seqcycle,
          CASE WHEN pg_catalog.has_sequence_privilege(s.seqrelid, 'USAGE,SELECT') THEN pg_catalog.pg_sequence_last_value(s.seqrelid::pg_catalog.regclass) END,
          (SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = s.seqrelid),
          (SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = s.seqrelid)
        FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        JOIN pg_catalog.pg_depend x ON
          (x.classid = 'pg_catalog.pg_class'::regclass AND x.refclassid = 'pg_catalog.pg_class'::regclass AND x.refobjid = a.attrelid AND x.refobjsubid = a.attnum AND x.deptype = 'i')
          OR (x.classid = 'pg_catalog.pg_attrdef'::regclass AND x.objid = d.oid AND x.refclassid = 'pg_catalog.pg_class'::regclass)
        JOIN pg_catalog.pg_sequence s ON s.seqrelid = CASE WHEN x.classid = 'pg_catalog.pg_class'::regclass THEN x.objid ELSE x.refobjid END
        WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """

    /// The columns of a table that have a sequence.
    static func all(_ connection: Connection, _ table: UInt32) throws(PostgresError) -> [DrawnNumber] {
        let result = try connection.query(sql, [.text(String(table))])
        return (0..<result.rowCount).map { row in
            DrawnNumber(
                column: result.text(row, 0) ?? "", sequence: Quoting.qualified(result.text(row, 5) ?? "", result.text(row, 6) ?? ""), cache: result.integer(row, 1) ?? 1, increment: result.integer(row, 2) ?? 1, cycles: result.boolean(row, 3),
                newest: result.integer(row, 4))
        }
    }

    /// What puts the sequence in order.
    var mending: [String] {
        guard let sequence else { return [] }
        var changes: [String] = []
        if cache != 1 { changes.append("CACHE 1") }
        if increment != 1 { changes.append("INCREMENT 1") }
        if cycles { changes.append("NO CYCLE") }
        return changes.isEmpty ? [] : ["ALTER SEQUENCE \(sequence) \(changes.joined(separator: " "))"]
    }

    /// Why the order of the numbers is not that of the rows; `nil` when it is.
    func refusal(_ table: PostgresTable, needsStepOne: Bool) -> ConnectError? {
        let place = "the sequence of \(table.display).\(column)"
        if cache != 1 {
            return ConnectError(
                .fatal, code: "postgres.source.sequence_cache", "\(place) has CACHE \(cache): sessions draw numbers ahead, so rows do not come in the order of their numbers",
                suggestion: "\(mending.joined(separator: "; ")), or capture the table with mode=snapshot, capture=change")
        }
        if increment < 1 || cycles || (needsStepOne && increment != 1) {
            return ConnectError(
                .fatal, code: "postgres.source.sequence_step",
                "\(place) has INCREMENT \(increment)\(cycles ? " and CYCLE" : ""): \(needsStepOne ? "mode=fence knows gaps by numbers that follow each other" : "later rows would have lower numbers")",
                suggestion: "\(mending.joined(separator: "; ")), or capture the table with mode=snapshot, capture=change")
        }
        return nil
    }
}
