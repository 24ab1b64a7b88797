internal import ConnectRuntime
internal import SQLite

/// One stored value of SQLite: a storage class with its content.
enum SqliteValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    static func == (left: SqliteValue, right: SqliteValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let a), .integer(let b)): a == b
        case (.real(let a), .real(let b)): a.bitPattern == b.bitPattern
        case (.text(let a), .text(let b)): equalBytes(a, b)
        case (.blob(let a), .blob(let b)): a == b
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .integer(let value): hasher.combine(value)
        case .real(let value): hasher.combine(value.bitPattern)
        case .text(let value): hashBytes(value, into: &hasher)
        case .blob(let value): hasher.combine(value)
        }
    }

    /// Reads a column as it is stored; `nil` for a text that is no UTF-8.
    static func read(_ statement: Statement, at column: Int32) throws(SQLiteError) -> SqliteValue? {
        switch statement.type(at: column) {
        case .null: return .null
        case .integer: return .integer(statement.int64(at: column))
        case .real: return .real(statement.double(at: column))
        case .text:
            guard let text = String(utf8: try statement.text(at: column).bindMemory(to: UInt8.self)) else { return nil }
            return .text(text)
        case .blob: return .blob(Array(try statement.blob(at: column)))
        }
    }

    func bind(_ statement: Statement, at position: Int32) throws(SQLiteError) {
        switch self {
        case .null: try statement.bindNull(at: position)
        case .integer(let value): try statement.bind(value, at: position)
        case .real(let value): try statement.bind(real: value, at: position)
        case .text(let value): try statement.bind(text: value, at: position)
        case .blob(let value): try statement.bind(blob: value, at: position)
        }
    }
}

/// The tagged text of a value: one JSON scalar (or, for a blob, `{"blob":"<Base64>"}`), which holds whatever a column without a type holds.
extension SqliteValue {
    var json: JSON {
        switch self {
        case .null: .null
        case .integer(let value): .integer(value)
        case .real(let value): .number(SqliteNumberText.text(value))
        case .text(let value): .string(value)
        case .blob(let value): .object([JSON.Member("blob", .string(Base64.standard(value)))])
        }
    }

    /// `nil` when it is no such JSON.
    init?(json: JSON) {
        switch json {
        case .null: self = .null
        case .number(let text):
            guard let number = SqliteNumberText.number(text) else { return nil }
            self = number
        case .string(let text): self = .text(text)
        case .object(let members):
            guard members.count == 1, members[0].name == "blob", let text = members[0].value.text, let bytes = Base64.decode(text) else { return nil }
            self = .blob(bytes)
        case .boolean, .array: return nil
        }
    }

    /// `nil` when the text is no such JSON.
    init?(taggedText text: String) {
        guard let json = try? JSON.parse(text) else { return nil }
        self.init(json: json)
    }
}
