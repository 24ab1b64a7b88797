internal import CSQLite

/// A name of a table, column, trigger or schema as it may stand in SQL: in double quotes, quotes inside doubled.
///
/// - Throws: when the name holds a NUL, which no SQL text can carry: the rest of it would be cut off in silence.
public func quotedIdentifier(_ name: String) throws(SQLiteError) -> String {
    try quoted(name, by: UInt8(ascii: "\""))
}

/// A text as it may stand in SQL where no parameter can (triggers, defaults): in single quotes, quotes inside doubled.
public func quotedLiteral(_ text: String) throws(SQLiteError) -> String {
    try quoted(text, by: UInt8(ascii: "'"))
}

private func quoted(_ text: String, by mark: UInt8) throws(SQLiteError) -> String {
    var out: [UInt8] = [mark]
    out.reserveCapacity(text.utf8.count + 2)
    for byte in text.utf8 {
        if byte == 0 { throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "the name '\(text.prefix { $0 != "\0" })…' holds a NUL character") }
        if byte == mark { out.append(mark) }
        out.append(byte)
    }
    out.append(mark)
    return String(decoding: out, as: UTF8.self)
}
