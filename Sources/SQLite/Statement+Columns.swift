public import CSQLite

/// How SQLite stores a value.
public enum StorageClass: Int32, Sendable, Hashable {
    case integer = 1, real = 2, text = 3, blob = 4, null = 5
}

/// Values out. Columns count from 0. Without a current row everything reads as null.
extension Statement {
    /// Ask before the value is read: reading it as another type converts it in place.
    @inlinable public func type(at column: Int32) -> StorageClass { StorageClass(rawValue: sqlite3_column_type(handle, column)) ?? .null }

    @inlinable public func int64(at column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    @inlinable public func double(at column: Int32) -> Double { sqlite3_column_double(handle, column) }

    /// The bytes of a text as it is stored, lent until the next step, reset or conversion. Nobody has checked that they are UTF-8.
    /// - Throws: when SQLite has no memory for it.
    @inlinable public func text(at column: Int32) throws(SQLiteError) -> UnsafeRawBufferPointer {
        guard let start = sqlite3_column_text(handle, column) else {
            try throwIfOutOfMemory()
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// The bytes of a blob, lent until the next step, reset or conversion.
    /// - Throws: when SQLite has no memory for it.
    @inlinable public func blob(at column: Int32) throws(SQLiteError) -> UnsafeRawBufferPointer {
        guard let start = sqlite3_column_blob(handle, column) else {
            try throwIfOutOfMemory()
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// The text as a `String`, its invalid bytes repaired: for names and messages, not for data. Use ``text(at:)`` for data.
    public func string(at column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        return String(decoding: UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self)
    }

    /// A null pointer stands for an empty blob, for null, and for no memory; only the last is an error.
    @usableFromInline func throwIfOutOfMemory() throws(SQLiteError) {
        if let connection = database.handle, sqlite3_errcode(connection) & 0xFF == SQLITE_NOMEM { throw failure(SQLITE_NOMEM) }
    }
}
