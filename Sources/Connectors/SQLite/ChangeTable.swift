internal import ConnectRuntime
internal import SQLite

/// The change table of a captured table and the triggers that fill it, as SQL.
///
/// Columns of the change table have no declared type, so values keep their storage class, and no constraint but `seq`:
/// the OR clause of the user's statement would override ours.
enum ChangeTable {
    static func name(_ table: Name) -> Name { Name("connectd_" + table.text) }
    static func triggerName(_ table: Name, _ event: String) -> String { "connectd_\(table.text)_\(event)" }

    /// `k_` columns are the key before the change, `b_` the row before, `a_` the row after.
    static func valueColumns(_ shape: TableShape) -> [String] {
        shape.keyIndexes.map { "k_" + shape.columns[$0].name.text } + shape.columns.map { "b_" + $0.name.text } + shape.columns.map { "a_" + $0.name.text }
    }

    static func create(_ table: Name, _ shape: TableShape) throws -> String {
        let values = try valueColumns(shape).map { try ", " + quotedIdentifier($0) }.joined()
        return """
            CREATE TABLE \(try quotedIdentifier(name(table).text)) (seq INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT NOT NULL, \
            at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))\(values))
            """
    }

    /// The triggers' names and texts, exactly as they then stand in `sqlite_schema`.
    ///
    /// SQLite runs the newest of several triggers first, so a trigger of the user's that writes the same row may run before ours, and its
    /// change is then recorded before the one that caused it. Hence the row after is read as it stands, not as the statement left it, and
    /// whatever stands at a key that was given up is recorded after that: every run of changes ends with what is true.
    static func triggers(
        _ table: Name, _ shape: TableShape, _ identity: RowIdentity, _ shadow: ReplaceShadow?
    ) throws -> [(name: String, sql: String)] {
        let key = try shape.keyIndexes.map { try quotedIdentifier(shape.columns[$0].name.text) }
        let columns = try shape.columns.map { try quotedIdentifier($0.name.text) }
        let k = try shape.keyIndexes.map { try quotedIdentifier("k_" + shape.columns[$0].name.text) }
        let b = try shape.columns.map { try quotedIdentifier("b_" + $0.name.text) }
        let a = try shape.columns.map { try quotedIdentifier("a_" + $0.name.text) }
        let change = try quotedIdentifier(name(table).text), base = try quotedIdentifier(table.text)
        func list(_ parts: [String]...) -> String { parts.flatMap { $0 }.joined(separator: ", ") }
        func of(_ row: String, _ names: [String]) -> [String] { names.map { "\(row).\($0)" } }
        // Equal by the column's own collation, or as integer and real, is still another key in the copy.
        func keepsKey(_ row: String) -> String {
            key.map { "OLD.\($0) IS \(row).\($0) COLLATE BINARY AND typeof(OLD.\($0)) = typeof(\(row).\($0))" }.joined(separator: " AND ")
        }
        let here = try identity.here("r", is: "NEW")
        let row = here == nil ? "NEW" : "r"
        let current = here.map { " FROM \(base) AS r WHERE \($0)" } ?? ""
        let kind = key.isEmpty ? "'u'" : "CASE WHEN \(keepsKey(row)) THEN 'u' ELSE 'k' END"
        let created = "INSERT INTO \(change) (\(list(["op"], k, a))) SELECT \(list(["'c'"], of(row, key), of(row, columns)))"
        let deleted = "INSERT INTO \(change) (\(list(["op"], k, b))) SELECT \(list(["'d'"], of("OLD", key), of("OLD", columns)))"
        var updates = ["INSERT INTO \(change) (\(list(["op"], k, b, a))) SELECT \(list([kind], of("OLD", key), of("OLD", columns), of(row, columns)))\(current)"]
        var deletes = [deleted]
        if !key.isEmpty, let here, let there = try identity.there("r", is: "OLD") {
            let atOldKey = "\(created) FROM \(base) AS r WHERE \(there) AND \(keepsKey("r"))"
            updates += [
                "\(deleted) WHERE NOT (\(keepsKey("NEW"))) AND NOT EXISTS (SELECT 1\(current))",
                "\(atOldKey) AND NOT EXISTS (SELECT 1 FROM \(base) AS r WHERE \(here) AND \(keepsKey("r")))",
            ]
            deletes.append(atOldKey)
        }
        var inserts = [created + current]
        if let shadow {
            let replaced = try shadow.recorded(change, k, b)
            inserts = replaced + inserts
            updates = [try shadow.isSeen()] + replaced + updates
            deletes.append(try shadow.isSeen())
        }
        let after = [("i", "INSERT", inserts), ("u", "UPDATE", updates), ("d", "DELETE", deletes)].map { event, verb, steps in
            (event: event, sql: "AFTER \(verb) ON \(base) BEGIN \(steps.map { $0 + "; " }.joined())END")
        }
        return try (after + (shadow?.before() ?? [])).map { event, sql in
            let name = triggerName(table, event)
            return (name, "CREATE TRIGGER \(try quotedIdentifier(name)) \(sql)")
        }
    }

    /// The page of changes after ?1, at most ?2 of them and before ?3: number, op, time, row before, row after. The key is in the rows.
    static func select(_ table: Name, _ shape: TableShape) throws -> String {
        let rows = try ["b_", "a_"].flatMap { prefix in try shape.columns.map { try quotedIdentifier(prefix + $0.name.text) } }
        return """
            SELECT \((["seq", "op", "at"] + rows).joined(separator: ", ")) FROM main.\(try quotedIdentifier(name(table).text)) \
            WHERE seq > ?1 AND seq < ?3 ORDER BY seq LIMIT ?2
            """
    }
}
