internal import ConnectRuntime
internal import Glibc
internal import SQLite

/// What stands at the path of a database, looked at from outside.
enum SqliteFile {
    enum Kind { case missing, file, other }

    /// Opens nothing: a pipe would block whoever does.
    static func look(_ path: String) -> Kind {
        var found = stat()
        guard stat(path, &found) == 0 else { return .missing }
        return found.st_mode & S_IFMT == S_IFREG ? .file : .other
    }

    /// Reads an existing file, within a bounded wait for its lock.
    static func reading<R>(_ path: String, _ body: (Database) throws -> R) throws -> R {
        // In WAL mode even a reader makes files beside the database, and one that may not write cannot remove them again. Where none are, nobody
        // has the file open; then a connection that may write, and writes nothing, leaves it as it found it.
        let isAlone = look(path + "-wal") == .missing && look(path + "-shm") == .missing && isWritable(path) && isWritable(folder(of: path))
        let database = try Database(path: path, mode: isAlone ? .readWrite : .readOnly, busyTimeout: lockMilliseconds)
        defer { database.close() }
        if isAlone { try database.execute("PRAGMA query_only = 1") } else { try database.setNoCheckpointOnClose(true) }
        // The first read of the file: tells whether it is a database at all.
        _ = try database.integer("PRAGMA schema_version")
        return try body(database)
    }

    /// The folder a file is in, as the system resolves it.
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    static func isFolder(_ path: String) -> Bool {
        var found = stat()
        return stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
    }

    /// In bytes; `nil` when there is none.
    static func size(_ path: String) -> Int64? {
        var found = stat()
        return stat(path, &found) == 0 ? Int64(found.st_size) : nil
    }

    static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    static func notADatabase(_ path: String, _ setting: Name) -> CheckFinding {
        CheckFinding(.error, "sqlite.not_a_database", setting, "\(path) is no SQLite database: it is not even a file", suggestion: "check connection.url")
    }

    private static let lockMilliseconds: Int32 = 1000
}
