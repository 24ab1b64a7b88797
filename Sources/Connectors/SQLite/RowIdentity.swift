internal import ConnectRuntime
internal import SQLite

/// How the rows of a table are told apart: what triggers and backfills find a row by.
struct RowIdentity: Sendable, Hashable {
    /// The primary key's columns in its order; empty for a table without one.
    let primaryKey: [Name]
    /// A name for the rowid; `nil` when the table has none, or columns hide all its names.
    let rowid: String?

    init(_ database: Database, _ table: Name, _ columns: [SqliteCatalog.Column]) throws {
        primaryKey = columns.filter { $0.keyPosition > 0 }.sorted { $0.keyPosition < $1.keyPosition }.map(\.name)
        rowid = try SqliteCatalog.hasRowid(database, table) ? SqliteCatalog.rowidName(columns) : nil
    }

    /// SQL that finds the one row that a trigger's row now is: by its rowid, since a primary key may hold NULL, else by its key.
    /// `nil` for a table without either.
    func here(_ alias: String, is row: String) throws -> String? {
        // A quoted name that is no column would be taken for a text: the rowid stands bare.
        if let rowid { return "\(alias).\(rowid) = \(row).\(rowid)" }
        return primaryKey.isEmpty ? nil : try byKey(alias, row)
    }

    /// SQL that finds the row that stands where a trigger's row was, be it another one.
    func there(_ alias: String, is row: String) throws -> String? { primaryKey.isEmpty ? try here(alias, is: row) : try byKey(alias, row) }

    private func byKey(_ alias: String, _ row: String) throws -> String {
        try primaryKey.map { "\(alias).\(try quotedIdentifier($0.text)) IS \(row).\(try quotedIdentifier($0.text))" }.joined(separator: " AND ")
    }
}
