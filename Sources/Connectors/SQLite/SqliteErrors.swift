internal import ConnectRuntime
internal import SQLite

extension SQLiteError {
    /// As the runner understands it. Damage and a missing file are a person's work; locks, a full disk and I/O are tried again.
    func connectError(_ what: String, file: String) -> ConnectError {
        let causes = [description]
        switch code {
        case .busy, .locked:
            return ConnectError(
                .retriable, code: "sqlite.busy", "\(what): another process holds the lock of \(file)", causes: causes)
        case .full:
            return ConnectError(
                .retriable, code: "sqlite.full", "\(what): no space left for \(file)", suggestion: "make room on the disk; the task goes on by itself",
                causes: causes)
        case .interrupted: return ConnectError(.retriable, code: "sqlite.interrupted", "\(what): interrupted", causes: causes)
        case .schema: return ConnectError(.retriable, code: "sqlite.schema_changed", "\(what): the schema of \(file) changed meanwhile", causes: causes)
        case .io, .outOfMemory: return ConnectError(.retriable, code: "sqlite.io", "\(what): \(message) (\(file))", causes: causes)
        case .notADatabase:
            return ConnectError(
                .fatal, code: "sqlite.not_a_database", "\(file) is no SQLite database", suggestion: "check connection.url (an encrypted file is none either)",
                causes: causes)
        case .corrupt:
            return ConnectError(
                .fatal, code: "sqlite.corrupt", "\(what): \(file) is damaged", suggestion: "run `sqlite3 FILE 'PRAGMA integrity_check'` and restore a backup",
                causes: causes)
        case .cannotOpen:
            return ConnectError(
                .fatal, code: "sqlite.cannot_open", "\(file) cannot be opened: \(message)",
                suggestion: "check that the file exists and that its folder may be read and written (readers of a WAL write the -shm file)", causes: causes)
        case .readOnly, .permission:
            return ConnectError(
                .fatal, code: "sqlite.read_only", "\(what): \(file) may not be written", suggestion: "give the worker's user write access to the file and its folder",
                causes: causes)
        default: return ConnectError(.fatal, code: "sqlite.error", "\(what): \(message)", causes: causes)
        }
    }
}

/// Runs a body and turns SQLite's errors into ours.
func translatingSQLite<R>(_ what: @autoclosure () -> String, file: String, _ body: () throws -> R) throws -> R {
    do {
        return try body()
    } catch let error as SQLiteError {
        throw error.connectError(what(), file: file)
    }
}
