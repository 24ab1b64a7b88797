import Glibc

/// Whether bytes are, to the last of them, what the runtime would write for the value they hold: then they can go out as they came, unread.
///
/// "Yes" is a promise: read as a schemaless value and written as plain JSON (``PlainText``), the same bytes come out again. It is given for
/// JSON as most programs write it: an object without blanks, escapes, repeated names, and with numbers as Java writes them, that is no envelope
/// of Connect's. "No" promises nothing: such bytes are read, and what is wrong with them shows there.
struct PlainJSONCheck {
    /// The names of the objects that are open, each as a range of the bytes.
    private var names: [JSONReader.StringSpan] = []

    /// Beyond these it is read: comparing each name with each costs more then.
    private static let mostNames = 16
    private static let deepest = 16

    mutating func isPlainObject(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = JSONReader(bytes)
        names.removeAll(keepingCapacity: true)
        guard reader.peek == UInt8(ascii: "{") else { return false }
        return ((try? object(&reader, 0)) ?? false) && reader.cursor == bytes.count
    }

    private mutating func value(_ reader: inout JSONReader, _ depth: Int) throws -> Bool {
        switch reader.peek {
        case UInt8(ascii: "\""): return isPlain(try reader.stringSpan(), reader)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return Self.isPlain(try reader.number(), reader.bytes)
        case UInt8(ascii: "{"): return try object(&reader, depth + 1)
        case UInt8(ascii: "["): return try array(&reader, depth + 1)
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try reader.boolean()
        case UInt8(ascii: "n"): try reader.null()
        default: return false
        }
        return true
    }

    private mutating func object(_ reader: inout JSONReader, _ depth: Int) throws -> Bool {
        guard depth <= Self.deepest, reader.pass(UInt8(ascii: "{")) else { return false }
        if reader.pass(UInt8(ascii: "}")) { return true }
        let first = names.count
        repeat {
            guard reader.peek == UInt8(ascii: "\"") else { return false }
            let name = try reader.stringSpan()
            guard isPlain(name, reader), isNew(name, from: first, reader.bytes), depth > 0 || !Self.isOfEnvelope(name, reader), reader.pass(UInt8(ascii: ":")), try value(&reader, depth) else { return false }
        } while reader.pass(UInt8(ascii: ","))
        names.removeLast(names.count - first)
        return reader.pass(UInt8(ascii: "}"))
    }

    private mutating func array(_ reader: inout JSONReader, _ depth: Int) throws -> Bool {
        guard depth <= Self.deepest, reader.pass(UInt8(ascii: "[")) else { return false }
        if reader.pass(UInt8(ascii: "]")) { return true }
        repeat { if try !value(&reader, depth) { return false } } while reader.pass(UInt8(ascii: ","))
        return reader.pass(UInt8(ascii: "]"))
    }

    /// No escapes, and UTF-8.
    private func isPlain(_ span: JSONReader.StringSpan, _ reader: JSONReader) -> Bool {
        if span.isEscaped { return false }
        return span.isASCII || (try? reader.text(span)) != nil
    }

    private static func isOfEnvelope(_ name: JSONReader.StringSpan, _ reader: JSONReader) -> Bool { reader.matches(name, "schema") || reader.matches(name, "payload") }

    /// Of a repeated name the later value would count, at the earlier place.
    private mutating func isNew(_ name: JSONReader.StringSpan, from first: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if names.count - first >= Self.mostNames { return false }
        for known in names[first...] where known.count == name.count {
            if let start = bytes.baseAddress, memcmp(start + known.start, start + name.start, name.count) == 0 { return false }
        }
        names.append(name)
        return true
    }

    /// Whole numbers of up to 18 digits; fractions that Java writes without an exponent, from 0.001 to below ten million, of up to six digits.
    private static func isPlain(_ number: JSONNumberToken, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = number.start + (number.isNegative ? 1 : 0), scale = -number.exponent
        // Nothing but digits and at most a point: no exponent.
        guard number.end - start == number.digits + (number.isIntegral ? 0 : 1), number.digits <= 18 else { return false }
        let whole = number.isIntegral ? number.digits : number.digits - scale
        if bytes[start] == UInt8(ascii: "0") && whole > 1 { return false }
        if number.mantissa == 0 { return !number.isNegative && (number.isIntegral || scale == 1) }
        if number.isIntegral { return true }
        guard scale >= 1, scale <= 6, whole <= 7 else { return false }
        if bytes[number.end - 1] == UInt8(ascii: "0") && scale > 1 { return false }
        return number.mantissa * 1000 >= powers[scale]
    }

    private static let powers: [UInt64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
}
