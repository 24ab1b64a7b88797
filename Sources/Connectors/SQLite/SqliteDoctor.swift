internal import ConnectRuntime
internal import SQLite

/// Examines a database file for what is the same for source and sink: its journal, its size, who writes it, whether it is whole.
struct SqliteDoctor {
    let path: String
    let setting: Name
    let request: CheckRequest

    /// A write-ahead log this large is read through by every reader, and kept on disk.
    private static let muchLog: Int64 = 64 << 20
    /// Lines of a damaged file's complaints that are shown.
    private static let mostComplaints = 5

    /// - Parameter isRead: whether a source reads it.
    func findings(_ database: Database, isRead: Bool) throws -> [CheckFinding] {
        var found: [CheckFinding] = []
        let mode = try database.text("PRAGMA journal_mode")?.asciiLowercased ?? "unknown"
        let pageSize = try database.integer("PRAGMA page_size") ?? 0, pages = try database.integer("PRAGMA page_count") ?? 0
        let free = try database.integer("PRAGMA freelist_count") ?? 0
        let vacuum = ["none", "full", "incremental"][Int(clamping: min(2, max(0, try database.integer("PRAGMA auto_vacuum") ?? 0)))]
        let log = SqliteFile.size(path + "-wal") ?? 0
        found.append(
            CheckFinding(
                .ok, "sqlite.file", setting,
                "\(path): \(Amounts.bytes(pages * pageSize)), of which \(Amounts.bytes(free * pageSize)) free; journal mode \(mode)\(log > 0 ? " (\(Amounts.bytes(log)) in the log)" : ""), page size \(pageSize), auto_vacuum \(vacuum)"))
        if isRead, mode != "wal" {
            found.append(
                CheckFinding(
                    .warning, "sqlite.journal_mode", setting, "\(path) is in journal mode \(mode)", cost: "reading holds up whoever writes, and is held up, for moments",
                    suggestion: "while nobody else has it open:", statements: ["PRAGMA journal_mode = WAL"]))
        }
        if log >= SqliteDoctor.muchLog {
            found.append(
                CheckFinding(
                    .warning, "sqlite.wal_size", setting, "the write-ahead log of \(path) has grown to \(Amounts.bytes(log))", cost: "disk space, and slower reads",
                    suggestion: "let those who write checkpoint (PRAGMA wal_autocheckpoint), and end readers that stay open; then:", statements: ["PRAGMA wal_checkpoint(TRUNCATE)"]))
        }
        if request.checksIntegrity { found.append(try integrity(database)) }
        if let writer = SqliteWriters.busy(path, milliseconds: SqliteDoctor.watchMilliseconds) {
            found.append(
                CheckFinding(
                    .warning, "sqlite.busy_writer", setting, "process \(writer) held the write lock of \(path) whenever it was looked for", cost: "arming, pruning and sinks wait until it lets go",
                    suggestion: "let it commit, or end it"))
        }
        return found
    }

    private static let watchMilliseconds = 400

    private func integrity(_ database: Database) throws -> CheckFinding {
        let statement = try database.prepare("PRAGMA quick_check(\(SqliteDoctor.mostComplaints))", isKept: false)
        defer { statement.finalize() }
        var lines: [String] = []
        do {
            while try statement.step() { lines.append(statement.string(at: 0)) }
        } catch {
            // So damaged that it cannot even be checked to its end.
            guard error.code == .corrupt else { throw error }
            lines.append(error.message)
        }
        if lines.count == 1, lines[0] == "ok" { return CheckFinding(.ok, "sqlite.integrity", setting, "\(path) is whole (quick_check)") }
        return CheckFinding(
            .error, "sqlite.corrupt", setting, "\(path) is damaged: \(lines.joined(separator: "; "))", cost: "rows are lost or wrong, and writes may damage more",
            suggestion: "stop whoever writes it, and restore a backup (or try sqlite3's .recover)")
    }
}
