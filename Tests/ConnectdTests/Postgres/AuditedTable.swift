import ConnectTesting
import Postgres
import SQLite

/// A table whose rows keep changing: few keys, so that changes of one row follow each other closely. Every version of a row carries a `stamp` that no other has.
struct AuditedTable: Sendable {
    let name: String
    let definition: String
    let keyColumns: [String]
    /// The values of each key as SQL literals.
    let keys: [[String]]

    static let items = AuditedTable(
        name: "items", definition: "CREATE TABLE items (id int PRIMARY KEY, stamp bigint NOT NULL, note text)", keyColumns: ["id"], keys: (1...40).map { ["\($0)"] })

    /// A key of two columns; two of its texts are one to whoever compares characters, and two to the database.
    static let orders = AuditedTable(
        name: "orders", definition: "CREATE TABLE orders (shop int, line text, stamp bigint NOT NULL, note text, PRIMARY KEY (shop, line))",
        keyColumns: ["shop", "line"],
        keys: (0..<6).flatMap { shop in ["\u{e9}", "e\u{301}", "x", "''", "\"/|"].map { ["\(shop)", "'\($0)'"] } })

    /// The condition that a row has this key.
    func isAt(_ key: [String]) -> String { zip(keyColumns, key).map { "\($0) = \($1)" }.joined(separator: " AND ") }

    /// The key as one text, in the SQL of either database.
    var keyText: String { keyColumns.joined(separator: " || '/' || ") }

    /// The row as one text, in the SQL of either database.
    private var rowText: String { "\(keyText) || '|' || stamp || '|' || coalesce(note, 'NULL')" }

    /// The rows of a PostgreSQL database, as bytes: two forms of an accent are two texts.
    func rows(_ sql: Connection) throws -> Set<[UInt8]> {
        let result = try sql.execute("SELECT \(rowText) FROM \(name)")
        return Set((0..<result.rowCount).map { Array((result.text($0, 0) ?? "").utf8) })
    }

    /// The same of a SQLite database.
    func rows(_ database: Database) throws -> Set<[UInt8]> {
        let statement = try database.prepare("SELECT \(rowText) FROM \(name)", isKept: false)
        defer { statement.finalize() }
        var rows: Set<[UInt8]> = []
        while try statement.step() { rows.insert(Array(statement.string(at: 0).utf8)) }
        return rows
    }

    /// How a copy differs from the truth, both as ``rows(_:)`` has them; `nil` when it does not.
    static func difference(_ truth: Set<[UInt8]>, _ rows: Set<[UInt8]>) -> String? {
        if rows == truth { return nil }
        let missing = truth.subtracting(rows), surplus = rows.subtracting(truth)
        let examples = missing.prefix(3).map { "- " + String(decoding: $0, as: UTF8.self) } + surplus.prefix(3).map { "+ " + String(decoding: $0, as: UTF8.self) }
        return "\(truth.count) rows, \(rows.count) in the copy, \(missing.count) missing there, \(surplus.count) only there:\n\(examples.joined(separator: "\n"))"
    }
}
