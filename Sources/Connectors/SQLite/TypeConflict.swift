internal import ConnectRuntime
internal import SQLite

/// What becomes of a value that its column's type does not foresee.
enum TypeConflictPolicy: String, Sendable, CaseIterable {
    /// The task fails and names the value's place.
    case fail
    /// All columns but the key's travel as tagged text, which holds every value.
    case string
    /// The value is delivered as null, counted and logged.
    case null
}

/// A value that does not fit.
struct TypeConflict: Error {
    let column: String
    let found: String
    let expected: String
}

extension ColumnKind {
    /// Reads a column of the current row.
    /// - Parameter column: its name, for the words of an error.
    @inline(__always)
    func read(_ statement: Statement, at index: Int32, column: @autoclosure () -> String) throws -> Value {
        let storage = statement.type(at: index)
        if storage == .null { return .null }
        switch (self, storage) {
        case (.integer, .integer): return .int64(statement.int64(at: index))
        case (.text, .text): return .string(try validText(statement, index, column()))
        case (.real, .real): return .float64(statement.double(at: index))
        case (.real, .integer):
            let integer = statement.int64(at: index)
            let real = Double(integer)
            // Beyond 2^53 a double may not hold the integer: then it is no widening but a loss.
            if real < 0x1p63, Int64(real) == integer { return .float64(real) }
        case (.blob, .blob): return .bytes(Array(try statement.blob(at: index)))
        case (.boolean, .integer):
            let integer = statement.int64(at: index)
            if integer == 0 || integer == 1 { return .boolean(integer == 1) }
        case (.numeric, .integer): return .string(String(statement.int64(at: index)))
        case (.numeric, .real): return .string(SqliteNumberText.text(statement.double(at: index)))
        case (.numeric, .text):
            let text = try validText(statement, index, column())
            if SqliteNumberText.number(text) == nil { return .string(text) }
        case (.any, _):
            guard let value = try SqliteValue.read(statement, at: index) else { throw invalidText(column()) }
            return .string(value.json.serializedText)
        default: break
        }
        throw TypeConflict(column: column(), found: Self.words(storage, statement, index), expected: expectation)
    }

    @inline(__always)
    private func validText(_ statement: Statement, _ index: Int32, _ column: @autoclosure () -> String) throws -> String {
        guard let text = String(utf8: try statement.text(at: index).bindMemory(to: UInt8.self)) else { throw invalidText(column()) }
        return text
    }

    private func invalidText(_ column: String) -> TypeConflict {
        TypeConflict(column: column, found: "a text that is not UTF-8", expected: "valid text")
    }

    private var expectation: String {
        switch self {
        case .integer: "an integer"
        case .boolean: "0 or 1"
        case .real: "a real number"
        case .text: "a text"
        case .blob: "a blob"
        case .numeric: "a number, or a text that reads as none"
        case .any: "any value"
        }
    }

    private static func words(_ storage: StorageClass, _ statement: Statement, _ index: Int32) -> String {
        switch storage {
        case .integer: "the integer \(statement.int64(at: index))"
        case .real: "the real number \(SqliteNumberText.text(statement.double(at: index)))"
        case .text: "a text"
        case .blob: "a blob"
        case .null: "null"
        }
    }
}
