internal import ConnectRuntime

/// The file a `connection.url` names.
enum SqliteLocation {
    /// `sqlite:PATH` or `jdbc:sqlite:PATH`; the path is taken as it is, relative to the worker's folder.
    static func path(of url: String) throws(SettingError) -> String {
        for prefix in ["jdbc:sqlite:", "sqlite:"] where url.utf8.starts(with: prefix.utf8) {
            let path = String(decoding: url.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
            if path.isEmpty { throw SettingError("names no file") }
            if equalBytes(path, ":memory:") { throw SettingError("names a database in memory, which nobody else can see") }
            if path.utf8.contains(0) { throw SettingError("holds a NUL character") }
            return path
        }
        throw SettingError("must be sqlite:PATH or jdbc:sqlite:PATH")
    }
}
