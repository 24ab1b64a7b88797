internal import ConnectRuntime
internal import Postgres

/// Reads a table that is there chunk by chunk in its key's order, inside the tail's own snapshot.
struct Backfill: Sendable, Hashable {
    /// Texts of the last key read; empty at the start.
    var after: [String]
    var size: ChunkSize

    /// The statement for the next chunk: the row as an image, then the key's columns as text.
    static func sql(_ table: PostgresTable, key: [String], after: [String], limit: Int) -> (sql: String, parameters: [Parameter]) {
        let columns = key.map { "t." + Quoting.identifier($0) }
        var sql = "SELECT pg_catalog.to_jsonb(t.*)" + columns.map { ", \($0)::text" }.joined() + " FROM \(table.isPartitioned ? "" : "ONLY ")\(table.qualified) t"
        if after.count == key.count, !key.isEmpty {
            let values = key.indices.map { index in
                let type = table.columns.first { equalBytes($0.name, key[index]) }?.sqlName ?? "text"
                return "$\(index + 1)::text::\(type)"
            }
            sql += " WHERE (\(columns.joined(separator: ", "))) > (\(values.joined(separator: ", ")))"
        }
        sql += " ORDER BY \(columns.joined(separator: ", ")) LIMIT \(limit)"
        return (sql, after.count == key.count ? after.map { .text($0) } : [])
    }

    /// A chunk that was read and waits until the changes before it are sent.
    struct Chunk {
        let table: UInt32
        let rows: KeptRows
        /// Whether rows may follow.
        let isFull: Bool
        let milliseconds: Int64

        /// The key of a row, as texts.
        static func key(_ row: QueryResult) -> [String] { (1..<row.columnCount).map { row.text(0, $0) ?? "" } }
    }
}
