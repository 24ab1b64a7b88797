internal import ConnectRuntime
internal import SQLite

/// Makes the rows seen that `INSERT OR REPLACE` and `UPDATE OR REPLACE` remove through a unique index (`replace.guard=shadow`).
///
/// SQLite tells triggers before a statement changes a row and after it, not of what it removed in between. So the rows that the new one will
/// collide with are copied into a shadow table before, and what is gone after is recorded as deleted, ahead of the change itself.
///
/// The shadow table holds next to nothing: whatever a row left there is cleared by the next one with the same unique values, and a statement
/// that changed nothing in the end (`OR IGNORE`, `OR FAIL`) leaves a few rows at most.
struct ReplaceShadow {
    private let table: Name
    private let columns: [Name]
    /// The record's key.
    private let key: [Name]
    private let identity: RowIdentity
    /// The unique indexes' columns with their collations: rows collide where all columns of one are equal.
    private let indexes: [[(column: Name, collation: String)]]

    /// What a statement that was ignored may leave, in rows.
    private static let mostKept = 100

    static func name(_ table: Name) -> Name { Name("connectd_\(table.text)_replaced") }

    /// Whether a table has one. The changes of a table that is called `…_replaced` itself go to one of the same name.
    static func isThere(_ database: Database, _ table: Name) throws -> Bool { try isOne(SqliteCatalog.columns(database, name(table)).map(\.name.text)) }

    /// Whether a table with such columns is a shadow table, of whatever columns beside.
    static func isOne(_ columns: [String]) -> Bool { columns.starts(with: ["number", "place"]) }

    /// An index that says by an expression which rows collide, or which of them it counts.
    static func unwatchable(_ indexes: [SqliteCatalog.Index]) -> SqliteCatalog.Index? {
        indexes.first { $0.isPartial || $0.columns.contains { $0.name == nil } }
    }

    /// - Returns: `nil` for a table whose rows cannot be replaced unseen.
    /// - Throws: ``ConnectError`` where an index says which rows collide by an expression.
    init?(_ database: Database, _ table: Name, _ shape: TableShape, _ identity: RowIdentity) throws {
        let hazards = try ReplaceGuard.indexes(database, table), key = shape.keyIndexes.map { shape.columns[$0].name }
        // A row that is replaced by one of the same primary key has another key in the copy, where the record's key is not the primary one.
        let alsoPrimary = !identity.primaryKey.isEmpty && !key.isEmpty && key != identity.primaryKey
        if hazards.isEmpty && !alsoPrimary { return nil }
        if let index = Self.unwatchable(hazards) {
            throw ConnectError(
                .fatal, code: "sqlite.replace_hazard",
                "replace.guard=shadow cannot tell which rows of \(table) INSERT OR REPLACE deletes through \(index.name): it is a partial index or one on an expression",
                suggestion: "set \(ReplaceGuard.withoutShadow)")
        }
        self.table = table
        columns = shape.columns.map(\.name)
        self.key = key
        self.identity = identity
        var indexes = hazards.map { index in index.columns.compactMap { column in column.name.map { (column: Name($0), collation: column.collation) } } }
        if alsoPrimary, !hazards.contains(where: { $0.origin == "pk" }) { indexes.append(identity.primaryKey.map { ($0, "BINARY") }) }
        self.indexes = indexes
    }

    /// The columns of the shadow table in their order.
    var tableColumns: [String] { ["number", "place"] + columns.map { "b_\($0.text)" } }

    func createTable() throws -> String {
        "CREATE TABLE \(try shadow) (number INTEGER PRIMARY KEY, place\(try columns.map { ", \(try kept($0))" }.joined()))"
    }

    private var shadow: String { get throws { try quotedIdentifier(ReplaceShadow.name(table).text) } }
    private var base: String { get throws { try quotedIdentifier(table.text) } }
    private func kept(_ column: Name) throws -> String { try quotedIdentifier("b_\(column.text)") }

    /// The triggers that copy what a row is about to collide with.
    func before() throws -> [(event: String, sql: String)] {
        let columns = try columns.map { "r.\(try quotedIdentifier($0.text))" }
        let copied = "INSERT INTO \(try shadow) (\(try list(["place"] + self.columns.map { try kept($0) }))) "
            + "SELECT \(list([identity.rowid.map { "r.\($0)" } ?? "NULL"] + columns)) FROM \(try base) AS r WHERE (\(try collides("r.", { try quotedIdentifier($0.text) })))"
        // A row that is gone was replaced by the statement around this one, a trigger's, and is not recorded yet.
        let old = "DELETE FROM \(try shadow) WHERE (\(try collides("", kept))) AND \(try remains("\(try shadow)."))"
        let bounded = "DELETE FROM \(try shadow) WHERE number <= (SELECT max(number) FROM \(try shadow)) - \(Self.mostKept)"
        let itself = try identity.here("r", is: "OLD").map { " AND NOT (\($0))" } ?? ""
        // Unique values that stay can collide with nothing.
        let changes = try Set(indexes.flatMap { $0.map(\.column) }).sorted().map { column in
            let quoted = try quotedIdentifier(column.text)
            return "NEW.\(quoted) IS NOT OLD.\(quoted) COLLATE BINARY"
        }
        return [
            ("bi", "BEFORE INSERT ON \(try base) BEGIN \(old); \(bounded); \(copied); END"),
            ("bu", "BEFORE UPDATE ON \(try base) WHEN \(changes.joined(separator: " OR ")) BEGIN \(old); \(bounded); \(copied)\(itself); END"),
        ]
    }

    /// Steps of the triggers after an INSERT or UPDATE, ahead of those that record the change itself.
    /// - Parameters:
    ///   - change: the change table.
    ///   - keyColumns: its columns for the key.
    ///   - before: its columns for the row before.
    func recorded(_ change: String, _ keyColumns: [String], _ before: [String]) throws -> [String] {
        let values = try ["'d'"] + key.map { "s.\(try kept($0))" } + columns.map { "s.\(try kept($0))" }
        return [
            "INSERT INTO \(change) (\(list(["op"] + keyColumns + before))) SELECT \(list(values)) FROM \(try shadow) AS s WHERE (\(try collides("s.", kept))) AND NOT \(try remains("s.")) ORDER BY s.place, s.number",
            try cleared(),
        ]
    }

    /// Step of the triggers after an UPDATE or DELETE: the row itself is recorded by them (where the writer has `recursive_triggers` on, or
    /// an upsert changed it), and not as replaced.
    ///
    /// Of the same key only: what stands in the place of a replaced row is another one, and a trigger of the user's may change that at once.
    func isSeen() throws -> String { "DELETE FROM \(try shadow) WHERE \(try stands("OLD", "\(try shadow)."))\(try hasKey("OLD", "\(try shadow)."))" }

    private func cleared() throws -> String { "DELETE FROM \(try shadow) WHERE \(try collides("", kept))" }

    /// Whether a row has the unique values of the new one. NULL is equal to nothing there.
    private func collides(_ prefix: String, _ name: (Name) throws -> String) throws -> String {
        try indexes.map { columns in
            "(" + (try columns.map { column, collation in
                "\(prefix)\(try name(column)) = NEW.\(try quotedIdentifier(column.text)) COLLATE \(try quotedIdentifier(collation))"
            }.joined(separator: " AND ")) + ")"
        }.joined(separator: " OR ")
    }

    /// Whether a row of the table stands where a kept one stood.
    private func stands(_ row: String, _ kept: String) throws -> String {
        if identity.primaryKey.isEmpty { return "\(row).\(identity.rowid ?? "rowid") = \(kept)place" }
        return try identity.primaryKey.map { "\(row).\(try quotedIdentifier($0.text)) IS \(kept)\(try self.kept($0))" }.joined(separator: " AND ")
    }

    private func hasKey(_ row: String, _ kept: String) throws -> String {
        try key.map { column in
            let one = "\(kept)\(try self.kept(column))", other = "\(row).\(try quotedIdentifier(column.text))"
            return " AND \(one) IS \(other) COLLATE BINARY AND typeof(\(one)) = typeof(\(other))"
        }.joined()
    }

    /// Whether a kept row is still in the table, or another one of its key.
    private func remains(_ kept: String) throws -> String {
        "EXISTS (SELECT 1 FROM \(try base) AS r WHERE \(try stands("r", kept))\(try hasKey("r", kept)))"
    }

    private func list(_ parts: [String]) -> String { parts.joined(separator: ", ") }
}
