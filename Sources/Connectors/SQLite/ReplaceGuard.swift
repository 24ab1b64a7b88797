internal import ConnectRuntime
internal import SQLite

/// What to do about tables where `INSERT OR REPLACE` can delete a row without a trigger.
///
/// SQLite fires the delete triggers of a replaced row only where the writer's connection has `recursive_triggers` on. A row with the same
/// key looks like an insert, which is harmless. One that is replaced through another unique index vanishes unseen.
enum ReplaceGuard: String, Sendable, CaseIterable {
    /// Do not capture such tables.
    case refuse
    /// The operator vouches that no writer replaces rows this way, or that writers turn `recursive_triggers` on.
    case accept
    /// Make them seen: see ``ReplaceShadow``.
    case shadow

    /// The indexes through which a row of another key can be replaced.
    static func indexes(_ database: Database, _ table: Name) throws -> [SqliteCatalog.Index] {
        try SqliteCatalog.indexes(database, table).filter { index in
            guard index.isUnique else { return false }
            if index.origin != "pk" { return true }
            // Two keys that only a collation makes equal are two keys in the copy.
            return index.columns.contains { $0.collation.uppercased() != "BINARY" }
        }
    }

    static func hazards(_ database: Database, _ table: Name) throws -> [String] { try indexes(database, table).map(\.name) }

    /// Whether replaced rows of a table are watched. Once they are they stay so, whatever another connector's policy: dropping the shadow
    /// table ends it, and an index through which they cannot be watched any more.
    func watches(_ database: Database, _ table: Name) throws -> Bool {
        if self == .shadow { return true }
        return try ReplaceShadow.isThere(database, table) && ReplaceShadow.unwatchable(Self.indexes(database, table)) == nil
    }

    func check(_ table: Name, hazards: [String], logger: Logger) throws {
        guard !hazards.isEmpty else { return }
        switch self {
        case .accept:
            logger.warning(
                "\(Self.words(table, hazards)), unless the writer's connection has recursive_triggers on: replace.guard=accept takes that as known")
        case .shadow: break
        case .refuse: if let refusal = Self.refusal(table, hazards: hazards) { throw refusal }
        }
    }

    /// Why a table with such indexes is not captured; `nil` without any.
    static func refusal(_ table: Name, hazards: [String]) -> ConnectError? {
        if hazards.isEmpty { return nil }
        return ConnectError(
            .fatal, code: "sqlite.replace_hazard", words(table, hazards) + ": SQLite fires no delete trigger for a replaced row",
            suggestion: "set replace.guard=shadow to have replaced rows seen (each insert then looks for rows with the same unique values), "
                + withoutShadow)
    }

    /// What else may be done about such a table, for the end of a suggestion.
    static let withoutShadow =
        "replace.guard=accept if no writer uses OR REPLACE on this table (or writers set PRAGMA recursive_triggers=ON), or leave the table out"

    private static func words(_ table: Name, _ hazards: [String]) -> String {
        "INSERT OR REPLACE can delete rows of \(table) unseen through \(hazards.joined(separator: ", "))"
    }
}
