internal import ConnectRuntime

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
        case .missing: return []
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
                    return try CaptureMark.all(database, cluster: nil, file: identity).compactMap { mark in
                        mark.loop(plan, topics: topics).map { CheckFinding($0, "topics") }
                    }
                }
            }
        } catch { return [CheckFinding(ConnectError(error), url)] }
    }
}
