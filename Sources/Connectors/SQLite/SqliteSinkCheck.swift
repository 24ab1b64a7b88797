internal import ConnectRuntime
internal import SQLite

/// Looks at the place a sink's configuration names: reads only, makes nothing.
enum SqliteSinkCheck {
    static func findings(_ plan: SqliteSinkPlan, _ request: CheckRequest) -> [CheckFinding] {
        let topics = Set(splitList(request.config.map.text("topics") ?? "").map { Name($0) })
        let path = plan.path
        let url = SqliteSinkSettings.url.name
        let folder = SqliteFile.folder(of: path)
        guard SqliteFile.isFolder(folder) else {
            return [
                CheckFinding(
                    .error, "sqlite.no_folder", url, "the folder of \(path) does not exist: \(folder)",
                    suggestion: "make the folder; the file in it is made by the sink")
            ]
        }
        // SQLite makes its journal beside the file, so the folder counts for an existing file as well.
        guard SqliteFile.isWritable(folder) else {
            return [
                CheckFinding(
                    .error, "sqlite.read_only", url, "the folder of \(path) may not be written: \(folder)", suggestion: "give this user write access to the folder", cause: .refused)
            ]
        }
        switch SqliteFile.look(path) {
        case .missing: return [CheckFinding(.ok, "sqlite.will_create", url, "\(path) is made at the start")]
        case .other: return [SqliteFile.notADatabase(path, url)]
        case .file: break
        }
        guard SqliteFile.isWritable(path) else {
            return [CheckFinding(.error, "sqlite.read_only", url, "\(path) may not be written", suggestion: "give this user write access to the file", cause: .refused)]
        }
        do {
            return try translatingSQLite("the file cannot be looked into", file: path) {
                try SqliteFile.reading(path) { database in
                    guard let identity = FileIdentity(path) else { return [] }
                    let loops = try CaptureMark.all(database, cluster: nil, file: identity).compactMap { mark in
                        mark.loop(plan, topics: topics).map { CheckFinding($0, "topics") }
                    }
                    if request.depth == .start { return [CheckFinding(.ok, "sqlite.writable", url, "\(path) is there and may be written")] + loops }
                    return try SqliteDoctor(path: path, setting: url, request: request).findings(database, isRead: false) + positions(database, request, url) + loops
                }
            }
        } catch { return [CheckFinding(ConnectError(error), url)] }
    }

    private static func positions(_ database: Database, _ request: CheckRequest, _ setting: Name) throws -> [CheckFinding] {
        guard try SqliteCatalog.sql(database, type: "table", name: SqlitePositions.table) != nil else {
            return [CheckFinding(.ok, "sqlite.position", setting, "no positions yet: \(SqlitePositions.table) is made at the start")]
        }
        let statement = try database.prepare(
            "SELECT topic, part, next_offset FROM main.\(SqlitePositions.table) WHERE connector = ?1 ORDER BY topic, part LIMIT 100", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: request.connector.text, at: 1)
        var found: [CheckFinding] = []
        while try statement.step() {
            found.append(CheckFinding(.ok, "sqlite.position", setting, "\(statement.string(at: 0))/\(statement.int64(at: 1)) written up to offset \(statement.int64(at: 2))"))
        }
        return found
    }
}
