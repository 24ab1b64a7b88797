internal import ConnectRuntime
internal import SQLite

/// How a column's value goes into SQLite.
enum SqliteBinding {
    /// Binds a value as it is to be stored. What the column's affinity makes of it is SQLite's rule.
    /// - Parameters:
    ///   - column: for what is said of a value that cannot be stored.
    ///   - scratch: room for the row's texts until it is written.
    @inline(__always)
    static func bind(
        _ value: Value, _ encoding: SqliteParameters.Encoding?, _ column: @autoclosure () -> Name, _ scratch: TextScratch, to statement: Statement, at position: Int32
    ) throws {
        switch value {
        case .null: try statement.bindNull(at: position)
        case .int64(let number): try statement.bind(number, at: position)
        case .int32(let number): try statement.bind(Int64(number), at: position)
        case .int16(let number): try statement.bind(Int64(number), at: position)
        case .int8(let number): try statement.bind(Int64(number), at: position)
        case .boolean(let truth): try statement.bind(truth ? 1 as Int64 : 0, at: position)
        case .float64(let number):
            if number.isNaN { throw notANumber(column()) }
            try statement.bind(real: number, at: position)
        case .float32(let number):
            if number.isNaN { throw notANumber(column()) }
            try statement.bind(real: Double(number), at: position)
        case .string(let text):
            switch encoding {
            case nil: try scratch.bind(text, to: statement, at: position)
            case .numeric: try (SqliteNumberText.number(text) ?? .text(text)).bind(statement, at: position)
            case .tagged:
                guard let stored = SqliteValue(taggedText: text) else {
                    throw ConnectError(
                        .data, code: "sink.tagged_text", "column \(column()) travels as tagged text, which is one JSON scalar or {\"blob\":…}, but its text is neither")
                }
                try stored.bind(statement, at: position)
            }
        case .bytes(let bytes): try statement.bind(blob: bytes, at: position)
        case .decimal(let decimal): try statement.bind(text: decimal.plainText ?? decimal.text, at: position)
        case .date(let days): try statement.bind(text: date(Int64(days)), at: position)
        case .time(let milliseconds): try statement.bind(text: time(Int64(milliseconds)), at: position)
        case .timestamp(let milliseconds):
            let civil = CivilTime(milliseconds: milliseconds)
            try statement.bind(
                text: "\(digits(civil.year, 4))-\(digits(Int64(civil.month), 2))-\(digits(Int64(civil.day), 2))T\(digits(Int64(civil.hour), 2)):\(digits(Int64(civil.minute), 2)):\(digits(Int64(civil.second), 2)).\(digits(Int64(civil.millisecond), 3))Z",
                at: position)
        case .structure(let structure) where structure.schema.name == LogicalType.variableScaleDecimal:
            guard let decimal = VariableScaleDecimal.decimal(structure) else {
                throw ConnectError(.data, code: "sink.decimal", "column \(column()) is a \(LogicalType.variableScaleDecimal) without a scale or a value")
            }
            try statement.bind(text: decimal.plainText ?? decimal.text, at: position)
        case .array, .map, .structure:
            var buffer = ByteBuffer(capacity: 128)
            try PlainText.writeJSON(value, into: &buffer)
            try statement.bind(text: String(decoding: buffer.bytes, as: UTF8.self), at: position)
        }
    }

    /// SQLite stores NaN as NULL without a word; a value is not dropped silently.
    private static func notANumber(_ column: Name) -> ConnectError {
        ConnectError(.data, code: "sink.nan", "column \(column) is NaN, which SQLite cannot store")
    }

    private static func date(_ days: Int64) -> String {
        let date = CivilTime.date(daysSince1970: days)
        return "\(digits(date.year, 4))-\(digits(Int64(date.month), 2))-\(digits(Int64(date.day), 2))"
    }

    private static func time(_ milliseconds: Int64) -> String {
        "\(digits(milliseconds / 3_600_000, 2)):\(digits(milliseconds / 60_000 % 60, 2)):\(digits(milliseconds / 1000 % 60, 2)).\(digits(milliseconds % 1000, 3))"
    }

    private static func digits(_ number: Int64, _ width: Int) -> String {
        let text = String(number.magnitude)
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// The type of a column made for values of a schema: the source's own declaration where that was SQLite, else by the kind of value.
    static func columnType(_ schema: Schema) -> String {
        if let declared = schema.parameter(SqliteParameters.type) {
            // The type that STRICT tables have for values of every kind would be NUMERIC in others, and would make numbers of texts.
            return equalBytes(declared.asciiLowercased, "any") ? "" : declared
        }
        switch schema.name {
        case LogicalType.decimal?, LogicalType.date?, LogicalType.time?, LogicalType.timestamp?: return "TEXT"
        default: break
        }
        switch schema.type {
        case .int8, .int16, .int32, .int64, .boolean: return "INTEGER"
        case .float32, .float64: return "REAL"
        case .bytes: return "BLOB"
        case .string, .array, .map, .structure: return "TEXT"
        }
    }
}
