/// JSON of a value as it is, led by the value alone: schemaless records, and what leaves the process.
enum PlainJSON {
    /// Deeper nesting than a reader accepts is an error, not a stack that runs over.
    static func write(_ value: Value, decimals: DecimalFormat, into writer: inout JSONWriter, depth: Int = 0) throws {
        guard depth <= JSONParser.deepest else { throw DataErrors.invalid("a value is nested deeper than \(JSONParser.deepest) levels") }
        switch value {
        case .null: writer.literal("null")
        case .boolean(let flag): writer.boolean(flag)
        case .int8(let number): writer.integer(Int64(number))
        case .int16(let number): writer.integer(Int64(number))
        case .int32(let number), .date(let number), .time(let number): writer.integer(Int64(number))
        case .int64(let number), .timestamp(let number): writer.integer(number)
        case .float32(let number): writer.float(number)
        case .float64(let number): writer.double(number)
        case .string(let text): writer.string(text)
        case .bytes(let bytes): writer.base64(bytes)
        case .decimal(let decimal):
            switch decimals {
            case .numeric: writer.decimal(decimal)
            case .base64: writer.base64(decimal.unscaled)
            }
        case .array(let elements):
            writer.byte(UInt8(ascii: "["))
            for (position, element) in elements.enumerated() {
                if position > 0 { writer.byte(UInt8(ascii: ",")) }
                try write(element, decimals: decimals, into: &writer, depth: depth + 1)
            }
            writer.byte(UInt8(ascii: "]"))
        case .map(let entries): try write(entries, decimals: decimals, into: &writer, depth: depth)
        case .structure(let structure):
            writer.byte(UInt8(ascii: "{"))
            for (position, field) in structure.schema.fields.enumerated() {
                if position > 0 { writer.byte(UInt8(ascii: ",")) }
                writer.string(field.name.text)
                writer.byte(UInt8(ascii: ":"))
                try write(structure.values[position], decimals: decimals, into: &writer, depth: depth + 1)
            }
            writer.byte(UInt8(ascii: "}"))
        }
    }

    /// An object when every key is text, otherwise an array of pairs.
    private static func write(_ entries: [Value.MapEntry], decimals: DecimalFormat, into writer: inout JSONWriter, depth: Int) throws {
        let isObject = entries.allSatisfy {
            if case .string = $0.key { true } else { false }
        }
        writer.byte(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
        for (position, entry) in entries.enumerated() {
            if position > 0 { writer.byte(UInt8(ascii: ",")) }
            if !isObject { writer.byte(UInt8(ascii: "[")) }
            try write(entry.key, decimals: decimals, into: &writer, depth: depth + 1)
            writer.byte(isObject ? UInt8(ascii: ":") : UInt8(ascii: ","))
            try write(entry.value, decimals: decimals, into: &writer, depth: depth + 1)
            if !isObject { writer.byte(UInt8(ascii: "]")) }
        }
        writer.byte(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }
}

/// What leaves the process (D14): text as it is, everything else as one line of JSON with decimals as numbers.
/// For `consume`, bodies of HTTP requests and files.
public enum PlainText {
    /// Appends a value. `schema` may be `nil`; the value alone leads.
    /// - Throws: ``ConnectError`` of kind `.data` when it is nested too deep.
    public static func write(schema: Schema?, value: Value, into buffer: inout ByteBuffer) throws {
        if case .string(let text) = value { return buffer.append(text: text) }
        try writeJSON(value, into: &buffer)
    }

    /// Appends a value as JSON, text in quotes.
    public static func writeJSON(_ value: Value, into buffer: inout ByteBuffer) throws {
        var writer = JSONWriter(capacity: 512, escapesSurrogates: false)
        try PlainJSON.write(value, decimals: .numeric, into: &writer)
        buffer.append(writer.bytes)
    }
}
