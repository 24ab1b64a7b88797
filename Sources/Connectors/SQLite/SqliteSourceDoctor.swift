internal import ConnectRuntime
internal import SQLite

/// Examines what a source has put into a file: triggers, change tables, and how much stands in them.
struct SqliteSourceDoctor {
    let path: String
    let prunes: Bool
    let request: CheckRequest

    private static let include = SqliteSourceSettings.include.name
    /// So many change rows are worth a word.
    private static let muchRows: Int64 = 10_000

    func examine(_ table: Name, _ arming: Arming, _ database: Database) throws -> [CheckFinding] {
        let changes = ChangeTable.name(table)
        let hasChanges = try !SqliteCatalog.columns(database, changes).isEmpty
        let triggers = try SqliteCatalog.triggers(database, on: table)
        let missing = ["i", "u", "d"].map { ChangeTable.triggerName(table, $0) }.filter { name in !triggers.contains { equalBytes($0.name, name) } }
        let wasArmed = try Arming.memory(database, table) != nil
        if wasArmed, !hasChanges || !missing.isEmpty {
            return [
                CheckFinding(
                    .warning, "sqlite.triggers_missing", SqliteSourceDoctor.include,
                    hasChanges ? "table \(table) was captured and has lost \(missing.count == 1 ? "its trigger \(missing[0])" : "triggers of ours")" : "table \(table) was captured and its change table \(changes) is gone",
                    cost: "changes made meanwhile are not captured, and rows that were deleted meanwhile stay in copies",
                    suggestion: "start the connector: it makes them anew and reads the table again; compare copies where rows may have been deleted")
            ]
        }
        guard hasChanges else {
            return [CheckFinding(.ok, "sqlite.will_arm", SqliteSourceDoctor.include, "table \(table) is armed at the start: triggers fill \(changes)")]
        }
        let quoted = try quotedIdentifier(changes.text)
        let count = try database.integer("SELECT count(*) FROM (SELECT 1 FROM main.\(quoted) LIMIT 1000000)") ?? 0
        let oldest = try database.integer("SELECT at FROM main.\(quoted) ORDER BY seq LIMIT 1").map { SystemClock().wallMilliseconds() - $0 }
        let words = "\(changes) holds \(count)\(count >= 1_000_000 ? " or more" : "") change\(count == 1 ? "" : "s")\(oldest.map { ", the oldest \(Amounts.time($0)) old" } ?? "")"
        if count >= SqliteSourceDoctor.muchRows, !prunes || (oldest ?? 0) >= Int64(request.longMilliseconds) {
            return [
                CheckFinding(
                    .warning, "sqlite.unpruned", SqliteSourceSettings.prune.name, words, cost: "the file grows with every change",
                    suggestion: prunes ? "start the connector: it deletes what is delivered" : "set prune=true, unless another connector reads the same change tables")
            ]
        }
        let isCurrent = try arming.isArmed(database, [table])
        return [CheckFinding(.ok, "sqlite.armed", SqliteSourceDoctor.include, "table \(table) is captured\(isCurrent ? "" : " (its triggers are brought up to date at the start)"); \(words)")]
    }

    /// Whether the source may write what it has to.
    func rights(isArmed: Bool) -> [CheckFinding] {
        if SqliteFile.isWritable(path), SqliteFile.isWritable(SqliteFile.folder(of: path)) { return [] }
        let url = SqliteSourceSettings.url.name
        if !isArmed {
            return [
                CheckFinding(
                    .error, "sqlite.read_only", url, "\(path) or its folder may not be written, and its tables are not armed yet",
                    suggestion: "give this user write access to the file and its folder (once: reading on needs none where prune is off)", cause: .refused)
            ]
        }
        if !prunes { return [] }
        return [
            CheckFinding(
                .warning, "sqlite.read_only", url, "\(path) or its folder may not be written", cost: "change tables are not pruned, and the file grows",
                suggestion: "give this user write access to the file and its folder, or set prune=false")
        ]
    }
}
