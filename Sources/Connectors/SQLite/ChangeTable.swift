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
    static func triggers(_ table: Name, _ shape: TableShape) throws -> [(name: String, sql: String)] {
        let key = try shape.keyIndexes.map { try quotedIdentifier(shape.columns[$0].name.text) }
        let columns = try shape.columns.map { try quotedIdentifier($0.name.text) }
        let k = try shape.keyIndexes.map { try quotedIdentifier("k_" + shape.columns[$0].name.text) }
        let b = try shape.columns.map { try quotedIdentifier("b_" + $0.name.text) }
        let a = try shape.columns.map { try quotedIdentifier("a_" + $0.name.text) }
        let change = try quotedIdentifier(name(table).text), base = try quotedIdentifier(table.text)
        // Equal by the column's own collation, or as integer and real, is still another key in the copy.
        let sameKey = key.map { "OLD.\($0) IS NEW.\($0) COLLATE BINARY AND typeof(OLD.\($0)) = typeof(NEW.\($0))" }.joined(separator: " AND ")
        let kind = sameKey.isEmpty ? "'u'" : "CASE WHEN \(sameKey) THEN 'u' ELSE 'k' END"
        func list(_ parts: [String]...) -> String { parts.flatMap { $0 }.joined(separator: ", ") }
        func of(_ row: String, _ names: [String]) -> [String] { names.map { "\(row).\($0)" } }
        let bodies = [
            ("i", "INSERT", "INSERT INTO \(change) (\(list(["op"], k, a))) VALUES (\(list(["'c'"], of("NEW", key), of("NEW", columns))))"),
            (
                "u", "UPDATE",
                "INSERT INTO \(change) (\(list(["op"], k, b, a))) VALUES (\(list([kind], of("OLD", key), of("OLD", columns), of("NEW", columns))))"
            ),
            ("d", "DELETE", "INSERT INTO \(change) (\(list(["op"], k, b))) VALUES (\(list(["'d'"], of("OLD", key), of("OLD", columns))))"),
        ]
        return try bodies.map { event, verb, body in
            let name = triggerName(table, event)
            return (name, "CREATE TRIGGER \(try quotedIdentifier(name)) AFTER \(verb) ON \(base) BEGIN \(body); END")
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
