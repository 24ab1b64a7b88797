public import CSQLite

/// A compiled statement. Belongs to its connection's thread; bind, step, read, reset, again.
public final class Statement {
    /// `nil` once finalised; SQLite answers calls with `nil` by SQLITE_MISUSE or zero, so no use of it can crash.
    @usableFromInline var handle: OpaquePointer?
    @usableFromInline let database: Database
    public let sql: String

    init(_ database: Database, _ sql: String, isKept: Bool) throws(SQLiteError) {
        guard let connection = database.handle else { throw .closed }
        var compiled: OpaquePointer?
        var rest = 0
        var copy = sql
        let result = copy.withUTF8 { bytes -> Int32 in
            guard let count = Int32(exactly: bytes.count), let start = bytes.baseAddress else { return SQLITE_TOOBIG }
            return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { text in
                var tail: UnsafePointer<CChar>?
                let result = sqlite3_prepare_v3(connection, text, count, isKept ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0, &compiled, &tail)
                if let tail { rest = UnsafeRawBufferPointer(bytes)[(tail - text)...].count { $0 > 0x20 } }
                return result
            }
        }
        if result != SQLITE_OK { throw database.error(result, statement: sql) }
        guard let compiled else { throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "no statement in the text", statement: sql) }
        if rest > 0 {
            sqlite3_finalize(compiled)
            throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "more than one statement in the text", statement: sql)
        }
        handle = compiled
        self.database = database
        self.sql = sql
    }

    deinit { finalize() }

    /// Frees the statement before its object goes.
    public func finalize() {
        guard let compiled = handle else { return }
        database.forget(self)
        handle = nil
        sqlite3_finalize(compiled)
    }

    /// The connection closes and forgets all its statements by itself.
    func detach() {
        sqlite3_finalize(handle)
        handle = nil
    }

    /// Goes to the next row. - Returns: false at the end.
    /// After an error the statement must be reset before it is used again.
    @inlinable public func step() throws(SQLiteError) -> Bool {
        let result = sqlite3_step(handle)
        if result == SQLITE_ROW { return true }
        if result == SQLITE_DONE { return false }
        throw failure(result)
    }

    /// Back to the start; bound values stay. What the last step failed with was thrown by it already.
    @inlinable public func reset() { sqlite3_reset(handle) }

    /// Makes all parameters null, and lets go of bytes bound without a copy.
    public func clearBindings() { sqlite3_clear_bindings(handle) }

    /// Runs a statement that returns no rows (or none of interest) from start to end and resets it.
    @inlinable public func run() throws(SQLiteError) {
        var result = sqlite3_step(handle)
        while result == SQLITE_ROW { result = sqlite3_step(handle) }
        if result == SQLITE_DONE {
            sqlite3_reset(handle)
            return
        }
        let thrown = failure(result)
        sqlite3_reset(handle)
        throw thrown
    }

    @usableFromInline func failure(_ result: Int32) -> SQLiteError { database.error(result, statement: sql) }

    public var columnCount: Int { Int(sqlite3_column_count(handle)) }
    public var parameterCount: Int { Int(sqlite3_bind_parameter_count(handle)) }
    /// Whether it changes nothing in the database file.
    public var isReadOnly: Bool { sqlite3_stmt_readonly(handle) != 0 }

    /// The names of the result's columns, in their order.
    public var columnNames: [String] {
        (0..<columnCount).map { index in sqlite3_column_name(handle, Int32(index)).map { String(cString: $0) } ?? "" }
    }
}
