internal import ConnectRuntime

/// Reads values of the types of a table out of its images.
struct ValueDecoder {
    let options: TypeOptions

    /// A value that does not fit its column's type, as of the catalogue we know.
    struct Mismatch: Error {
        let expected: String
        let isSpecial: Bool
        init(_ expected: String, isSpecial: Bool = false) {
            self.expected = expected
            self.isSpecial = isSpecial
        }
    }

    /// Debezium's numbers for infinite timestamps; dates have the ends of their range.
    static let infiniteMicroseconds: (negative: Int64, positive: Int64) = (-9_223_372_036_832_400_000, 9_223_372_036_825_200_000)

    /// Reads the next value.
    /// - Throws: ``Mismatch``, or ``ImageScanner/Malformed`` when the image is damaged.
    func decode(_ type: PostgresType, _ schema: Schema, _ scanner: inout ImageScanner) throws -> Value {
        let first = try scanner.peek()
        if first == UInt8(ascii: "n") {
            _ = try scanner.word()
            return .null
        }
        let isText = first == UInt8(ascii: "\"")
        let isNested = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        switch type {
        case .boolean:
            if isText || isNested { throw Mismatch("a boolean") }
            switch first {
            case UInt8(ascii: "t"), UInt8(ascii: "f"):
                _ = try scanner.word()
                return .boolean(first == UInt8(ascii: "t"))
            default: throw Mismatch("a boolean")
            }
        case .int8: return .int8(try integer(&scanner, "a whole number of two digits"))
        case .int16: return .int16(try integer(&scanner, "smallint"))
        case .int32: return .int32(try integer(&scanner, "integer"))
        case .int64: return .int64(try integer(&scanner, "bigint"))
        case .float32:
            guard let value = Float(try scalarText(&scanner, "real")) else { throw Mismatch("real") }
            return .float32(value)
        case .float64:
            guard let value = Double(try scalarText(&scanner, "double precision")) else { throw Mismatch("double precision") }
            return .float64(value)
        case .decimal(let scale): return try decimal(&scanner, scale, schema)
        case .variableDecimal: return try decimal(&scanner, nil, schema)
        case .money:
            guard isText, let plain = ValueDecoder.money(try scanner.text()) else { throw Mismatch("money") }
            return .string(plain)
        case .bytes:
            guard isText, let value = ValueDecoder.hexadecimal(try scanner.string().content) else { throw Mismatch("bytea") }
            return .bytes(value)
        case .bit:
            guard isText else { throw Mismatch("bit(1)") }
            let text = try scanner.text()
            guard text == "1" || text == "0" else { throw Mismatch("bit(1)") }
            return .boolean(text == "1")
        case .bits(let length):
            guard isText, let value = ValueDecoder.bits(try scanner.string().content, length: length) else { throw Mismatch("bit(\(length))") }
            return .bytes(value)
        case .json: return .string(String(decoding: try scanner.raw(), as: UTF8.self))
        case .date, .time, .timestamp, .timestampWithZone:
            guard isText else { throw Mismatch("a date or time") }
            return try temporal(type, try scanner.string().content)
        case .textMap: return try map(&scanner)
        case .array(let element, let dimensions):
            return try array(element, dimensions, schema, &scanner)
        case .composite(_, let fields): return try composite(fields, schema, &scanner)
        case .domain(_, let base): return try decode(base, schema, &scanner)
        case .text:
            // A column that was retyped has old images with numbers or documents: their text is what a cast would give.
            if isText { return .string(options.trimsCharacters ? ValueDecoder.trimmed(try scanner.text()) : try scanner.text()) }
            return .string(String(decoding: try scanner.raw(), as: UTF8.self))
        case .uuid, .xml, .enumeration, .timeWithZone, .interval, .other:
            if isText { return .string(try scanner.text()) }
            return .string(String(decoding: try scanner.raw(), as: UTF8.self))
        }
    }

    /// A number or a text that holds one: `bigint` of a retyped column arrives as text.
    private func scalarText(_ scanner: inout ImageScanner, _ expected: String) throws -> String {
        switch try scanner.peek() {
        case UInt8(ascii: "\""): return try scanner.text()
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "t"), UInt8(ascii: "f"): throw Mismatch(expected)
        default: return String(decoding: try scanner.word(), as: UTF8.self)
        }
    }

    @inline(__always) private func integer<T: FixedWidthInteger>(_ scanner: inout ImageScanner, _ expected: String) throws -> T {
        let first = try scanner.peek()
        if first == UInt8(ascii: "\"") {
            guard let value = T(try scanner.text()) else { throw Mismatch(expected) }
            return value
        }
        let word = try scanner.word()
        // Eighteen digits cannot overflow: the usual case without a check per digit.
        if word.count <= 18 {
            var value: Int64 = 0
            var index = 0
            let isNegative = word[0] == UInt8(ascii: "-")
            if isNegative { index = 1 }
            while index < word.count {
                let digit = word[index] &- UInt8(ascii: "0")
                guard digit <= 9 else { throw Mismatch(expected) }
                value = value &* 10 &+ Int64(digit)
                index += 1
            }
            guard let fitting = T(exactly: isNegative ? -value : value) else { throw Mismatch(expected) }
            return fitting
        }
        guard let value = T(String(decoding: word, as: UTF8.self)) else { throw Mismatch(expected) }
        return value
    }

    private func decimal(_ scanner: inout ImageScanner, _ scale: Int32?, _ schema: Schema) throws -> Value {
        let text = try scalarText(&scanner, "numeric")
        switch options.decimals {
        case .string: return .string(text)
        case .double:
            guard let value = Double(text) else { throw Mismatch("numeric") }
            return .float64(value)
        case .precise: break
        }
        guard let value = Decimal(text) else {
            let isSpecial = text == "NaN" || text == "Infinity" || text == "-Infinity"
            if isSpecial, options.specialDecimals == .null { return .null }
            throw Mismatch(isSpecial ? "a finite numeric (it is \(text))" : "numeric", isSpecial: isSpecial)
        }
        guard let scale else {
            return .structure(Struct(schema, [.int32(value.scale), .bytes(value.unscaled)]))
        }
        guard let scaled = value.rescaled(to: scale) else { throw Mismatch("numeric with \(scale) digits after the point") }
        return .decimal(scaled)
    }

    private func temporal(_ type: PostgresType, _ text: UnsafeRawBufferPointer) throws -> Value {
        let isZoned = type == .timestampWithZone
        if text.count >= 8, text.last == UInt8(ascii: "y"), !isZoned || options.zonedAsTimestamp {
            let isNegative = text.first == UInt8(ascii: "-")
            switch options.infinity {
            case .null: return .null
            case .fail: throw Mismatch("a finite date or time", isSpecial: true)
            case .sentinel:
                if type == .date { return .date(isNegative ? Int32.min : Int32.max) }
                let micros = isNegative ? ValueDecoder.infiniteMicroseconds.negative : ValueDecoder.infiniteMicroseconds.positive
                return options.time == .connect || isZoned ? .timestamp(micros / 1000) : .int64(micros)
            }
        }
        switch type {
        case .date:
            guard let days = TemporalText.days(text).flatMap({ Int32(exactly: $0) }) else { throw Mismatch("date") }
            return .date(days)
        case .time:
            guard let micros = TemporalText.microsecondsOfDay(text) else { throw Mismatch("time") }
            return options.time == .connect ? .time(Int32(truncatingIfNeeded: micros / 1000)) : .int64(micros)
        case .timestamp:
            guard let micros = TemporalText.microseconds(text) else { throw Mismatch("timestamp (within 64 bits of microseconds since 1970)") }
            if options.time != .connect { return .int64(micros) }
            return .timestamp(micros >= 0 ? micros / 1000 : (micros - 999) / 1000)
        default:
            // The server writes +00:00, since the image was made in UTC.
            if options.zonedAsTimestamp {
                let era = text.suffix(3).elementsEqual(" BC".utf8) ? 3 : 0
                guard text.dropLast(era).suffix(6).elementsEqual("+00:00".utf8),
                    let micros = TemporalText.microseconds(Array(text.dropLast(era + 6)) + text.suffix(era))
                else { throw Mismatch("timestamptz (within 64 bits of microseconds since 1970)") }
                return .timestamp(micros >= 0 ? micros / 1000 : (micros - 999) / 1000)
            }
            let whole = String(decoding: text, as: UTF8.self)
            return .string(whole.hasSuffix("+00:00") ? whole.dropLast(6) + "Z" : whole)
        }
    }

    private func map(_ scanner: inout ImageScanner) throws -> Value {
        guard try scanner.take(UInt8(ascii: "{")) else { throw Mismatch("hstore") }
        var entries: [Value.MapEntry] = []
        if try scanner.take(UInt8(ascii: "}")) { return .map([]) }
        repeat {
            let key = try scanner.text()
            try scanner.expect(UInt8(ascii: ":"))
            let value: Value
            if try scanner.peek() == UInt8(ascii: "\"") {
                value = .string(try scanner.text())
            } else {
                let word = String(decoding: try scanner.raw(), as: UTF8.self)
                value = word == "null" ? .null : .string(word)
            }
            entries.append(Value.MapEntry(key: .string(key), value: value))
        } while try scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
        return .map(entries)
    }

    private func array(_ element: PostgresType, _ dimensions: Int, _ schema: Schema, _ scanner: inout ImageScanner) throws -> Value {
        guard let inner = schema.valueSchema, try scanner.take(UInt8(ascii: "[")) else { throw Mismatch("an array") }
        var elements: [Value] = []
        if try scanner.take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            if dimensions > 1 {
                guard try scanner.peek() == UInt8(ascii: "[") else { throw Mismatch("an array of \(dimensions) more dimensions") }
                elements.append(try array(element, dimensions - 1, inner, &scanner))
            } else {
                if try scanner.peek() == UInt8(ascii: "["), element.base != .json { throw Mismatch("an array of as many dimensions as the column declares") }
                elements.append(try decode(element, inner, &scanner))
            }
        } while try scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "]"))
        return .array(elements)
    }

    private func composite(_ fields: [PostgresType.CompositeField], _ schema: Schema, _ scanner: inout ImageScanner) throws -> Value {
        guard try scanner.take(UInt8(ascii: "{")) else { throw Mismatch("a composite") }
        var values = [Value](repeating: .null, count: fields.count)
        if try scanner.take(UInt8(ascii: "}")) { return .structure(Struct(schema, values)) }
        repeat {
            let name = try scanner.text()
            try scanner.expect(UInt8(ascii: ":"))
            guard let index = fields.firstIndex(where: { equalBytes($0.name, name) }) else { throw Mismatch("a composite without attribute \(name)") }
            values[index] = try decode(fields[index].type, schema.fields[index].schema, &scanner)
        } while try scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
        return .structure(Struct(schema, values))
    }
}
