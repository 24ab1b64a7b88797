import Foundation
import SQLite

/// Compares tables of two SQLite files in SQLite itself: storage classes and bytes, no conversion on the way.
enum Comparison {
    /// What differs between a table and its copy, in words; empty when they are equal. `nil` while the copy has no such table.
    static func difference(source: String, table: String, columns: [String], copy: String, copyTable: String? = nil) throws -> String? {
        guard FileManager.default.fileExists(atPath: copy) else { return nil }
        let database = try Database(path: source, mode: .readOnly, busyTimeout: 30_000)
        defer { database.close() }
        try database.execute("ATTACH \(try quotedLiteral(copy)) AS copy")
        let copyName = copyTable ?? table
        try database.execute("BEGIN")
        guard try database.integer("SELECT count(*) FROM copy.sqlite_schema WHERE name = \(try quotedLiteral(copyName))") == 1 else { return nil }
        // Equal numbers of two storage classes would be equal in SQL: the class is compared beside the value.
        let cells = try columns.map { column in
            let name = try quotedIdentifier(column)
            return "typeof(\(name)), \(name) COLLATE BINARY"
        }.joined(separator: ", ")
        let here = "SELECT \(cells) FROM main.\(try quotedIdentifier(table))", there = "SELECT \(cells) FROM copy.\(try quotedIdentifier(copyName))"
        let missing = try database.integer("SELECT count(*) FROM (\(here) EXCEPT \(there))") ?? -1
        let surplus = try database.integer("SELECT count(*) FROM (\(there) EXCEPT \(here))") ?? -1
        let rows = try database.integer("SELECT count(*) FROM main.\(try quotedIdentifier(table))") ?? -1
        let copied = try database.integer("SELECT count(*) FROM copy.\(try quotedIdentifier(copyName))") ?? -1
        if missing == 0, surplus == 0, rows == copied { return "" }
        let original = try quotedIdentifier(table), copyQuoted = try quotedIdentifier(copyName)
        let example = try database.text("SELECT group_concat(stamp) FROM (SELECT stamp FROM main.\(original) EXCEPT SELECT stamp FROM copy.\(copyQuoted))") ?? "none"
        return "\(table): \(rows) rows, \(copied) in the copy, \(missing) missing or different there, \(surplus) only there; stamps not there: \(example.prefix(200))"
    }
}
