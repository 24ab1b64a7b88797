public import CSQLite

/// Values in. Positions count from 1, as SQLite's `?1` does.
extension Statement {
    @inlinable public func bindNull(at position: Int32) throws(SQLiteError) { try check(sqlite3_bind_null(handle, position)) }

    @inlinable public func bind(_ value: Int64, at position: Int32) throws(SQLiteError) {
        try check(sqlite3_bind_int64(handle, position, value))
    }

    @inlinable public func bind(real value: Double, at position: Int32) throws(SQLiteError) {
        try check(sqlite3_bind_double(handle, position, value))
    }

    /// Text; SQLite copies it.
    @inlinable public func bind(text value: String, at position: Int32) throws(SQLiteError) {
        var copy = value
        try check(
            copy.withUTF8 { bytes in
                // A null pointer would bind NULL; an empty text still has an address here.
                bytes.withMemoryRebound(to: CChar.self) { text in
                    if let start = text.baseAddress {
                        return sqlite3_bind_text64(handle, position, start, UInt64(text.count), connectd_sqlite_transient(), UInt8(SQLITE_UTF8))
                    }
                    return sqlite3_bind_text64(handle, position, "", 0, connectd_sqlite_transient(), UInt8(SQLITE_UTF8))
                }
            })
    }

    /// A blob; SQLite copies it.
    @inlinable public func bind(blob value: [UInt8], at position: Int32) throws(SQLiteError) {
        try check(
            value.withUnsafeBytes { bytes in
                if bytes.count == 0 { return sqlite3_bind_zeroblob(handle, position, 0) }
                return sqlite3_bind_blob64(handle, position, bytes.baseAddress, UInt64(bytes.count), connectd_sqlite_transient())
            })
    }

    /// Text without a copy: the bytes must stay where they are until the parameter is bound anew, cleared, or the statement finalised.
    @inlinable public func bind(borrowedText bytes: UnsafeRawBufferPointer, at position: Int32) throws(SQLiteError) {
        if bytes.count == 0 { return try check(sqlite3_bind_text64(handle, position, "", 0, connectd_sqlite_transient(), UInt8(SQLITE_UTF8))) }
        let text = bytes.assumingMemoryBound(to: CChar.self)
        try check(sqlite3_bind_text64(handle, position, text.baseAddress, UInt64(text.count), nil, UInt8(SQLITE_UTF8)))
    }

    /// A blob without a copy: the bytes must stay where they are until the parameter is bound anew, cleared, or the statement finalised.
    @inlinable public func bind(borrowedBlob bytes: UnsafeRawBufferPointer, at position: Int32) throws(SQLiteError) {
        if bytes.count == 0 { return try check(sqlite3_bind_zeroblob(handle, position, 0)) }
        try check(sqlite3_bind_blob64(handle, position, bytes.baseAddress, UInt64(bytes.count), nil))
    }

    @inlinable func check(_ result: Int32) throws(SQLiteError) {
        if result != SQLITE_OK { throw failure(result) }
    }
}
