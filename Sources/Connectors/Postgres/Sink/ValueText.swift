internal import ConnectRuntime

/// Writes values as the texts that PostgreSQL reads for a column's type. The column leads, so that JSON without schema fits it too; a schema's meaning helps where there is one.
enum ValueText {
    /// A value that has no text for its column's type.
    struct Unfit: Error { let message: String }

    /// Appends the text of a value that is not null.
    static func append(_ value: Value, _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        switch (value, type) {
        case (.int64(let number), .int64): append(number, &out)
        case (.int32(let number), .int32): append(Int64(number), &out)
        case (.string(let text), .text): try append(text: text, &out)
        case (_, .domain(_, let base)): try append(value, schema, base, &out)
        case (.array(let elements), .array(let element, _)): try array(elements, schema?.valueSchema, hasSchema: schema != nil, element, &out)
        case (.structure(let structure), _): try self.structure(structure, schema, type, &out)
        case (.map(let entries), _): try map(entries, schema, type, &out)
        case (_, .json): try json(value, schema, &out)
        default: try scalar(value, schema, type, &out)
        }
    }

    private static func scalar(_ value: Value, _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        switch value {
        case .null: break
        case .boolean(let truth): boolean(truth, type, &out)
        case .int8(let number): try integer(Int64(number), schema, type, &out)
        case .int16(let number): try integer(Int64(number), schema, type, &out)
        case .int32(let number): try integer(Int64(number), schema, type, &out)
        case .int64(let number): try integer(number, schema, type, &out)
        case .float32(let number): real(Double(number), String(describing: number), type, &out)
        case .float64(let number): real(number, String(describing: number), type, &out)
        case .string(let text): try string(text, schema, type, &out)
        case .bytes(let bytes): try self.bytes(bytes, schema, type, &out)
        case .decimal(let decimal): out.append(contentsOf: (decimal.plainText ?? decimal.text).utf8)
        case .date(let days): try temporal(Int64(days), .days, type, &out)
        case .time(let milliseconds): try temporal(Int64(milliseconds), .millis(.time), type, &out)
        case .timestamp(let milliseconds): try temporal(milliseconds, .millis(.timestamp), type, &out)
        case .array, .map, .structure: try document(value, type, &out)
        }
    }

    // MARK: numbers and truth

    static func append(_ number: Int64, _ out: inout [UInt8]) {
        if number >= 0, number < 10 {
            out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number.magnitude, start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 { out.append(UInt8(ascii: "-")) }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start..<20]))
        }
    }

    private static func boolean(_ truth: Bool, _ type: PostgresType, _ out: inout [UInt8]) {
        switch type {
        case .int16, .int32, .int64, .float32, .float64, .decimal, .variableDecimal, .bit, .bits: out.append(UInt8(ascii: truth ? "1" : "0"))
        case .boolean: out.append(UInt8(ascii: truth ? "t" : "f"))
        default: out.append(truth ? "true" : "false")
        }
    }

    private static func integer(_ number: Int64, _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        if let unit = Temporal.unit(of: schema?.name) { return try temporal(number, unit, type, &out) }
        switch type {
        // Without a schema that says it, numbers count as our own sources write them.
        case .date: try temporal(number, .days, type, &out)
        case .time, .timeWithZone: try temporal(number, .micros(.time), type, &out)
        case .timestamp, .timestampWithZone: try temporal(number, .micros(.timestamp), type, &out)
        case .boolean:
            guard number == 0 || number == 1 else { throw Unfit(message: "\(number) is no truth value") }
            out.append(UInt8(ascii: number == 1 ? "t" : "f"))
        default: append(number, &out)
        }
    }

    private static func real(_ number: Double, _ text: String, _ type: PostgresType, _ out: inout [UInt8]) {
        if number.isNaN { return out.append("NaN") }
        if number.isInfinite { return out.append(number < 0 ? "-Infinity" : "Infinity") }
        switch type {
        case .int16, .int32, .int64:
            if let whole = Int64(exactly: number) { return append(whole, &out) }
        default: break
        }
        out.append(contentsOf: text.utf8)
    }

    private static func temporal(_ number: Int64, _ unit: Temporal.Unit, _ type: PostgresType, _ out: inout [UInt8]) throws {
        switch type {
        case .int16, .int32, .int64, .float32, .float64, .decimal, .variableDecimal: append(number, &out)
        default:
            if !Temporal.append(number, unit, to: type, &out) { throw Unfit(message: "\(number) is out of the range of times") }
        }
    }

    // MARK: texts and bytes

    static func append(text: String, _ out: inout [UInt8]) throws {
        let start = out.count
        var copy = text
        copy.withUTF8 { out.append(contentsOf: $0) }
        if out[start...].contains(0) { throw Unfit(message: "the text holds a NUL character, which PostgreSQL cannot store") }
    }

    private static func string(_ text: String, _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        // JSON without schema has bytes as Base64.
        if schema == nil {
            switch type {
            case .bytes where !text.utf8.starts(with: "\\x".utf8):
                guard let bytes = Base64.decode(text) else { throw Unfit(message: "the text is no Base64, as bytes are in JSON") }
                return hexadecimal(bytes, &out)
            case .bits(let length) where text.utf8.count != length || !text.utf8.allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") }:
                guard let bytes = Base64.decode(text) else { throw Unfit(message: "the text is neither bits nor Base64") }
                return try bits(bytes, length, &out)
            default: break
            }
        }
        try append(text: text, &out)
    }

    private static func bytes(_ bytes: [UInt8], _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        switch type {
        case .bytes: hexadecimal(bytes, &out)
        case .bit: try bits(bytes, 1, &out)
        case .bits(let length): try bits(bytes, length, &out)
        case .other(name: "bit"), .other(name: "varbit"): try bits(bytes, schema?.parameter(PostgresParameters.length).flatMap { Int($0) } ?? bytes.count * 8, &out)
        case .uuid where bytes.count == 16: out.append(contentsOf: bytes.hexadecimal)
        case .other(name: "geometry"), .other(name: "geography"): out.append(contentsOf: bytes.hexadecimal)
        default: throw Unfit(message: "the value is bytes, which the column's type cannot hold")
        }
    }

    private static func hexadecimal(_ bytes: [UInt8], _ out: inout [UInt8]) {
        out.append("\\x")
        out.append(contentsOf: bytes.hexadecimal)
    }

    /// Debezium's bits: the lowest of the first byte is the last digit.
    private static func bits(_ bytes: [UInt8], _ length: Int, _ out: inout [UInt8]) throws {
        guard length >= 0, (length + 7) / 8 <= bytes.count else { throw Unfit(message: "\(bytes.count) bytes are too few for \(length) bits") }
        for place in (0..<length).reversed() { out.append(bytes[place / 8] >> UInt8(place % 8) & 1 == 1 ? UInt8(ascii: "1") : UInt8(ascii: "0")) }
    }
}

extension [UInt8] {
    fileprivate var hexadecimal: [UInt8] {
        func digit(_ half: UInt8) -> UInt8 { half < 10 ? UInt8(ascii: "0") + half : UInt8(ascii: "a") - 10 + half }
        return [UInt8](unsafeUninitializedCapacity: count * 2) { target, written in
            for (index, byte) in enumerated() {
                target[index * 2] = digit(byte >> 4)
                target[index * 2 + 1] = digit(byte & 15)
            }
            written = count * 2
        }
    }
}
