internal import ConnectRuntime

/// Looks at the place a sink's configuration names, for `validate`: reads only, makes nothing.
enum SqliteSinkCheck {
    static func problems(_ plan: SqliteSinkPlan, topics: Set<Name>) -> [ConfigProblem] {
        let path = plan.path
        let url = SqliteSinkSettings.url.name
        let folder = SqliteFile.folder(of: path)
        guard SqliteFile.isFolder(folder) else {
            return [
                ConfigProblem(
                    "sqlite.no_folder", url, "the folder of \(path) does not exist: \(folder)",
                    suggestion: "make the folder; the file in it is made by the sink")
            ]
        }
        // SQLite makes its journal beside the file, so the folder counts for an existing file as well.
        guard SqliteFile.isWritable(folder) else {
            return [
                ConfigProblem(
                    "sqlite.read_only", url, "the folder of \(path) may not be written: \(folder)", suggestion: "give this user write access to the folder")
            ]
        }
        switch SqliteFile.look(path) {
        case .missing: return []
        case .other: return [SqliteFile.notADatabase(path, url)]
        case .file: break
        }
        guard SqliteFile.isWritable(path) else {
            return [ConfigProblem("sqlite.read_only", url, "\(path) may not be written", suggestion: "give this user write access to the file")]
        }
        do {
            return try translatingSQLite("the file cannot be looked into", file: path) {
                try SqliteFile.reading(path) { database in
                    guard let identity = FileIdentity(path) else { return [] }
                    return try CaptureMark.all(database, cluster: nil, file: identity).compactMap { mark in
                        mark.loop(plan, topics: topics).map { ConfigProblem($0.code, "topics", $0.message, suggestion: $0.suggestion) }
                    }
                }
            }
        } catch { return [SqliteFile.problem(ConnectError(error), url)] }
    }
}
