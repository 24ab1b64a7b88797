internal import CSQLite

/// One connection to a SQLite file.
///
/// Belongs to one thread at a time: it is opened without SQLite's own locks. Handing it to another thread as a whole, statements included, is fine.
/// Only ``interrupter`` may be used from elsewhere meanwhile. Closed by ``close()``, or when the last reference goes.
public final class Database {
    @usableFromInline var handle: OpaquePointer?
    public let path: String
    /// Stops a running statement from another thread.
    public let interrupter: Interrupter
    /// Statements not yet finalised; they hold this connection, not the other way round.
    private var statements: [ObjectIdentifier: Unmanaged<Statement>] = [:]

    /// Opens a file. Extended result codes are on, so errors tell an fsync from a read.
    ///
    /// - Parameters:
    ///   - path: taken as a file name whatever it looks like; `file:` addresses have no meaning. Must not hold a NUL.
    ///   - isObservable: whether ``observe(_:)`` is to work; such a database has to be in `locking_mode=EXCLUSIVE` for its WAL mode.
    ///   - busyTimeout: milliseconds a statement waits for another connection's lock before it fails with ``SQLiteError/Code/busy``.
    /// - Throws: also for a missing file. Whether an existing file is a database shows only when it is read.
    public init(path: String, mode: OpenMode, isObservable: Bool = false, busyTimeout: Int32 = 5000) throws(SQLiteError) {
        if path.utf8.contains(0) { throw SQLiteError(extendedCode: SQLITE_CANTOPEN, message: "the path holds a NUL character") }
        if path.isEmpty { throw SQLiteError(extendedCode: SQLITE_CANTOPEN, message: "the path is empty") }
        // A leading "./" keeps ":memory:" and "file:…" what they are here: file names.
        let verbatim = path.utf8.first == UInt8(ascii: "/") ? path : "./" + path
        let access: Int32 =
            switch mode {
            case .readOnly: SQLITE_OPEN_READONLY
            case .readWrite: SQLITE_OPEN_READWRITE
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        var opened: OpaquePointer?
        let result = sqlite3_open_v2(verbatim, &opened, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, isObservable ? ObservedFiles.name : nil)
        guard result == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
            sqlite3_close_v2(opened)
            throw SQLiteError(extendedCode: result, message: message)
        }
        handle = opened
        self.path = path
        interrupter = Interrupter(opened)
        sqlite3_busy_timeout(opened, busyTimeout)
    }

    deinit { close() }

    /// Finalises every statement of this connection and closes it. Afterwards every use fails with ``SQLiteError/Code/misuse``.
    public func close() {
        guard let open = handle else { return }
        for statement in statements.values { statement.takeUnretainedValue().detach() }
        statements = [:]
        interrupter.disarm()
        handle = nil
        // Statements that only SQLite knows of cannot exist here; close_v2 would keep the file open for them, never fail.
        sqlite3_close_v2(open)
    }

    /// Tells an observer what is written to the file and to its write-ahead log, until this connection is closed. Call it before the first statement:
    /// a log that is open already is not seen.
    /// - Returns: false for a connection that was not opened as observable.
    public func observe(_ observer: any WriteAheadObserver) -> Bool { handle.map { ObservedFiles.observe($0, observer) } ?? false }

    /// Where SQLite has its files: symbolic links in the path that was opened are resolved. `nil` when closed.
    public var files: (database: String, writeAheadLog: String)? {
        guard let handle, let name = sqlite3_db_filename(handle, "main"), let log = sqlite3_filename_wal(name) else { return nil }
        return (String(cString: name), String(cString: log))
    }

    public var isOpen: Bool { handle != nil }

    /// Compiles one statement. Text behind its end (other than blanks) is an error, never ignored.
    ///
    /// - Parameter isKept: true for a statement that lives as long as the connection, so that SQLite allocates for it accordingly.
    public func prepare(_ sql: String, isKept: Bool = true) throws(SQLiteError) -> Statement {
        let statement = try Statement(self, sql, isKept: isKept)
        statements[ObjectIdentifier(statement)] = Unmanaged.passUnretained(statement)
        return statement
    }

    func forget(_ statement: Statement) { statements[ObjectIdentifier(statement)] = nil }

    /// Runs any number of statements that return nothing of interest.
    public func execute(_ sql: String) throws(SQLiteError) {
        guard let handle else { throw .closed }
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        if result != SQLITE_OK { throw error(result, statement: sql) }
    }

    /// The first column of the first row as an integer, `nil` without a row or when it is null: pragmas and counts.
    public func integer(_ sql: String) throws(SQLiteError) -> Int64? {
        let statement = try prepare(sql, isKept: false)
        defer { statement.finalize() }
        guard try statement.step(), statement.type(at: 0) != .null else { return nil }
        return statement.int64(at: 0)
    }

    /// The first column of the first row as text, `nil` without a row or when it is null. Bytes that are no UTF-8 are repaired.
    public func text(_ sql: String) throws(SQLiteError) -> String? {
        let statement = try prepare(sql, isKept: false)
        defer { statement.finalize() }
        guard try statement.step(), statement.type(at: 0) != .null else { return nil }
        return statement.string(at: 0)
    }

    /// Rows changed, inserted or deleted by the last statement, without those of its triggers.
    public var changes: Int64 { handle.map { sqlite3_changes64($0) } ?? 0 }
    public var totalChanges: Int64 { handle.map { sqlite3_total_changes64($0) } ?? 0 }
    public var lastInsertRowID: Int64 { handle.map { sqlite3_last_insert_rowid($0) } ?? 0 }
    /// Whether a transaction is open. A failed statement may have ended it (a full disk does).
    public var isInTransaction: Bool { handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    public func setBusyTimeout(milliseconds: Int32) {
        if let handle { sqlite3_busy_timeout(handle, milliseconds) }
    }

    /// The error of a result code in the connection's present words.
    @usableFromInline func error(_ result: Int32, statement: String?) -> SQLiteError {
        guard let handle else { return .closed }
        // The message belongs to the last call; when the codes differ the general words are nearer the truth.
        let message = sqlite3_extended_errcode(handle) == result ? String(cString: sqlite3_errmsg(handle)) : String(cString: sqlite3_errstr(result))
        return SQLiteError(extendedCode: result, message: message, statement: statement)
    }
}

extension SQLiteError {
    static var closed: SQLiteError { SQLiteError(extendedCode: SQLITE_MISUSE, message: "the connection is closed") }
}
