internal import ConnectRuntime
internal import SQLite

/// Deletes change rows that are durable in the log, on a short connection of its own, a few at a time so that writers hardly wait.
enum Pruning {
    static let rowsAtOnce = 500

    /// Does nothing when a writer is busy: the next commit tries again.
    static func prune(_ path: String, _ table: Name, upTo sequence: Int64) throws {
        let writer = try Database(path: path, mode: .readWrite, busyTimeout: 0)
        defer { writer.close() }
        try writer.setNoCheckpointOnClose(true)
        try writer.execute("PRAGMA wal_autocheckpoint = 0")
        let changes = try quotedIdentifier(ChangeTable.name(table).text)
        let delete = try writer.prepare(
            "DELETE FROM main.\(changes) WHERE seq IN (SELECT seq FROM main.\(changes) WHERE seq <= ?1 ORDER BY seq LIMIT \(rowsAtOnce))")
        try delete.bind(sequence, at: 1)
        do {
            var deleted: Int64 = 1
            while deleted > 0 {
                try writer.transaction(.immediate) {
                    try Arming.forgetCompleteness(writer, table)
                    try delete.run()
                    deleted = writer.changes
                }
            }
        } catch let error as SQLiteError where error.mayPass { return }
    }
}
