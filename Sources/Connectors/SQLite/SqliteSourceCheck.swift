internal import ConnectRuntime
internal import SQLite

/// Looks into the file a source's configuration names: reads only, makes nothing, arms nothing.
struct SqliteSourceCheck {
    private let path: String
    private let selection: TableSelection
    private let capture: SqliteSourceSettings.Capture
    private let guardPolicy: ReplaceGuard
    private let keyColumns: [Name: [Name]]
    private let prunes: Bool
    private let request: CheckRequest

    /// - Throws: what is wrong with the settings themselves; that is told elsewhere.
    init(_ request: CheckRequest) throws {
        let config = request.config
        self.request = request
        prunes = try config.value(SqliteSourceSettings.prune)
        path = try config.value(SqliteSourceSettings.url)
        selection = try TableSelection(include: config.value(SqliteSourceSettings.include), exclude: config.value(SqliteSourceSettings.exclude))
        capture = try config.value(SqliteSourceSettings.capture)
        guardPolicy = try config.value(SqliteSourceSettings.replaceGuard)
        keyColumns = try config.value(SqliteSourceSettings.keyColumns)
    }

    func findings() -> [CheckFinding] {
        let url = SqliteSourceSettings.url.name
        switch SqliteFile.look(path) {
        case .missing:
            return [
                CheckFinding(
                    .error, "sqlite.missing", url, "\(path) does not exist", suggestion: "check the path, or make the file first; a source's file is never created")
            ]
        case .other: return [SqliteFile.notADatabase(path, url)]
        case .file: break
        }
        do {
            return try translatingSQLite("the file cannot be looked into", file: path) {
                try SqliteFile.reading(path) { database in
                    let found = try inspect(database)
                    if request.depth == .start { return found }
                    return try SqliteDoctor(path: path, setting: url, request: request).findings(database, isRead: true) + found
                }
            }
        } catch { return [CheckFinding(ConnectError(error), url)] }
    }

    private var arming: Arming { Arming(path: path, guardPolicy: guardPolicy, keyColumns: keyColumns, logger: .silent, note: { _ in }) }

    private func inspect(_ database: Database) throws -> [CheckFinding] {
        let all = try SqliteCatalog.tables(database)
        let missing = SqliteCatalog.missing(selection.plainNames, among: all).map { name in
            CheckFinding(
                .error, "sqlite.missing_table", SqliteSourceSettings.include.name, "\(path) has no table \(name)",
                suggestion: SqliteCatalog.suggestion(for: name, among: all))
        }
        let chosen = try all.filter { try selection.contains([$0.text, "main." + $0.text]) }
        if chosen.isEmpty, missing.isEmpty {
            return [
                CheckFinding(
                    .warning, "sqlite.no_tables", SqliteSourceSettings.include.name, "no table of \(path) is captured yet",
                    suggestion: "tables that are made later are captured when they match")
            ]
        }
        return try missing + (capture == .change ? SqliteSourceDoctor(path: path, prunes: prunes, request: request).rights(isArmed: (try? arming.isArmed(database, chosen)) ?? false) : [])
            + chosen.flatMap { try inspect($0, database) }
    }

    private func inspect(_ table: Name, _ database: Database) throws -> [CheckFinding] {
        let columns = try SqliteCatalog.columns(database, table)
        if capture == .events {
            do { try EventTable.check(database, table, columns, file: path) } catch let error as ConnectError {
                return [CheckFinding(error, SqliteSourceSettings.capture.name)]
            }
            return []
        }
        var found: [CheckFinding] = []
        do {
            _ = try arming.shapeColumns(database, table)
            // A table that is armed is not looked at again by the task either.
            do {
                if try !arming.isArmed(database, [table]), guardPolicy == .refuse, try !guardPolicy.watches(database, table),
                    let error = ReplaceGuard.refusal(table, hazards: try ReplaceGuard.hazards(database, table))
                {
                    throw error
                }
            } catch let error as ConnectError where error.code == "sqlite.replace_hazard" {
                found.append(CheckFinding(error, SqliteSourceSettings.replaceGuard.name))
            }
        } catch let error as ConnectError {
            found.append(CheckFinding(error, SqliteSourceSettings.keyColumns.name))
        }
        if keyColumns[table] == nil, !columns.contains(where: { $0.keyPosition > 0 }) {
            found.append(
                CheckFinding(
                    .warning, "sqlite.no_key", SqliteSourceSettings.include.name, "table \(table) has no primary key: its records have no key",
                    suggestion: "name columns in message.key.columns to give them one"))
        }
        if request.depth == .thorough {
            do { found += try SqliteSourceDoctor(path: path, prunes: prunes, request: request).examine(table, arming, database) } catch let error as ConnectError {
                // What is wrong with its settings was told above.
                if !found.contains(where: { $0.code == error.code }) { found.append(CheckFinding(error, SqliteSourceSettings.include.name)) }
            }
        }
        return found
    }
}
