import Glibc

/// Pulls tokens out of JSON bytes without building a document: the reading end of the record path.
///
/// As strict as RFC 8259 but for leading zeros, which Kafka Connect's converter tolerates. Valid only while its bytes are lent.
struct JSONReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var cursor = 0
    private var depth = 0
    private static let deepest = JSONParser.deepest

    init(_ bytes: UnsafeRawBufferPointer, from start: Int = 0) {
        self.bytes = bytes
        cursor = start
    }

    /// Where a string's content lies, and whether it holds escapes.
    struct StringSpan {
        let start: Int
        let end: Int
        let isEscaped: Bool
        /// Whether bytes above 0x7F may be among them.
        let isASCII: Bool
        var count: Int { end - start }
    }

    enum Kind { case object, array, string, number, boolean, null }

    // MARK: Structure

    /// What value comes next; blanks before it are passed.
    @inline(__always) mutating func next() throws -> Kind {
        skipSpace()
        guard cursor < bytes.count else { throw error("unexpected end of the document, a value is missing") }
        switch bytes[cursor] {
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return .number
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        default: throw error("unexpected \(here), a value is expected")
        }
    }

    /// The byte that comes next, blanks included; 0 at the end.
    @inline(__always) var peek: UInt8 { cursor < bytes.count ? bytes[cursor] : 0 }

    /// Passes exactly this byte, if it comes next.
    @inline(__always) mutating func pass(_ byte: UInt8) -> Bool {
        guard cursor < bytes.count, bytes[cursor] == byte else { return false }
        cursor += 1
        return true
    }

    /// Whether nothing but blanks is left.
    mutating func isAtEnd() -> Bool {
        skipSpace()
        return cursor >= bytes.count
    }

    /// Passes `{` or `[`, which ``next()`` has seen.
    /// - Returns: false when the container is empty and already passed.
    @inline(__always) mutating func open(closing close: UInt8) throws -> Bool {
        depth += 1
        if depth > JSONReader.deepest { throw error("nested deeper than \(JSONReader.deepest) levels") }
        cursor += 1
        skipSpace()
        if cursor < bytes.count, bytes[cursor] == close {
            cursor += 1
            depth -= 1
            return false
        }
        return true
    }

    /// After a member or element: passes `,` (true: another one follows) or the closing bracket (false).
    @inline(__always) mutating func more(closing close: UInt8) throws -> Bool {
        skipSpace()
        guard cursor < bytes.count else {
            throw error("unexpected end of the document inside an \(close == UInt8(ascii: "}") ? "object" : "array")")
        }
        let byte = bytes[cursor]
        cursor += 1
        if byte == UInt8(ascii: ",") { return true }
        if byte == close {
            depth -= 1
            return false
        }
        cursor -= 1
        throw error("unexpected \(here), ',' or '\(Character(Unicode.Scalar(close)))' is expected")
    }

    /// A member's name and the colon after it.
    @inline(__always) mutating func memberName() throws -> StringSpan {
        skipSpace()
        guard cursor < bytes.count else { throw error("unexpected end of the document inside an object") }
        guard bytes[cursor] == UInt8(ascii: "\"") else { throw error("unexpected \(here), a member name in quotes is expected") }
        let span = try stringSpan()
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: ":") {
            cursor += 1
            return span
        }
        skipSpace()
        guard cursor < bytes.count, bytes[cursor] == UInt8(ascii: ":") else { throw error("unexpected \(here), ':' is expected") }
        cursor += 1
        return span
    }

    /// Passes exactly these bytes, if they come next. For a member's name as our own writer writes it, colon included.
    @inline(__always) mutating func pass(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count - cursor >= text.count, let start = bytes.baseAddress, let expected = text.baseAddress,
            memcmp(start + cursor, expected, text.count) == 0
        else { return false }
        cursor += text.count
        return true
    }

    /// Passes one value of any kind, checking it.
    mutating func skipValue() throws {
        switch try next() {
        case .object:
            guard try open(closing: UInt8(ascii: "}")) else { return }
            repeat {
                _ = try memberName()
                try skipValue()
            } while try more(closing: UInt8(ascii: "}"))
        case .array:
            guard try open(closing: UInt8(ascii: "]")) else { return }
            repeat { try skipValue() } while try more(closing: UInt8(ascii: "]"))
        case .string: _ = try stringSpan()
        case .number: _ = try number()
        case .boolean: _ = try boolean()
        case .null: try null()
        }
    }

    // MARK: Scalars

    mutating func boolean() throws -> Bool {
        if bytes[cursor] == UInt8(ascii: "t") {
            try word("true")
            return true
        }
        try word("false")
        return false
    }

    mutating func null() throws { try word("null") }

    private mutating func word(_ expected: StaticString) throws {
        let length = expected.utf8CodeUnitCount
        guard bytes.count - cursor >= length, (0..<length).allSatisfy({ bytes[cursor + $0] == expected.utf8Start[$0] }) else {
            throw error("unexpected word, did you mean \(expected)?")
        }
        cursor += length
    }

    /// A number, its text not yet turned into a value.
    @inline(__always) mutating func number() throws -> JSONNumberToken {
        var token = JSONNumberToken(start: cursor)
        if bytes[cursor] == UInt8(ascii: "-") {
            token.isNegative = true
            cursor += 1
        }
        let first = cursor
        var mantissa: UInt64 = 0
        while cursor < bytes.count {
            let digit = bytes[cursor] &- UInt8(ascii: "0")
            if digit > 9 { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            cursor += 1
        }
        if cursor == first { throw error("a digit is missing", at: token.start) }
        token.mantissa = mantissa
        token.digits = cursor - first
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: ".") || bytes[cursor] | 0x20 == UInt8(ascii: "e") { try fraction(&token) }
        token.end = cursor
        return token
    }

    private mutating func fraction(_ token: inout JSONNumberToken) throws {
        token.isIntegral = false
        if bytes[cursor] == UInt8(ascii: ".") {
            cursor += 1
            let first = cursor
            while cursor < bytes.count {
                let digit = bytes[cursor] &- UInt8(ascii: "0")
                if digit > 9 { break }
                token.mantissa = token.mantissa &* 10 &+ UInt64(digit)
                cursor += 1
            }
            if cursor == first { throw error("a digit is missing after the point", at: token.start) }
            token.digits += cursor - first
            token.exponent = first - cursor
        }
        guard cursor < bytes.count, bytes[cursor] | 0x20 == UInt8(ascii: "e") else { return }
        cursor += 1
        var negative = false
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: "+") || bytes[cursor] == UInt8(ascii: "-") {
            negative = bytes[cursor] == UInt8(ascii: "-")
            cursor += 1
        }
        let first = cursor
        var exponent = 0
        while cursor < bytes.count {
            let digit = bytes[cursor] &- UInt8(ascii: "0")
            if digit > 9 { break }
            exponent = min(exponent * 10 + Int(digit), 1 << 40)
            cursor += 1
        }
        if cursor == first { throw error("a digit is missing in the exponent", at: token.start) }
        token.exponent += negative ? -exponent : exponent
    }

    // MARK: Text

    /// Passes a string, which ``next()`` has seen, and says where its content lies.
    @inline(__always) mutating func stringSpan() throws -> StringSpan {
        let start = cursor + 1
        var position = start
        var escaped = false
        var seen: UInt64 = 0
        let count = bytes.count
        while true {
            if count - position >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let hit = JSONReader.stops(word)
                // Bytes beyond the string's end may be among those seen: then it is looked at once more.
                seen |= word
                if hit == 0 {
                    position += 8
                    continue
                }
                position += hit.trailingZeroBitCount >> 3
            }
            guard position < count else { throw error("a string that starts here has no closing quote", at: start - 1) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                cursor = position + 1
                return StringSpan(start: start, end: position, isEscaped: escaped, isASCII: seen & 0x8080_8080_8080_8080 == 0)
            }
            seen |= UInt64(byte)
            if byte == UInt8(ascii: "\\") {
                escaped = true
                // What follows is checked when the text is made; here only an escaped quote matters.
                position += 2
            } else if byte < 0x20 {
                throw error("a control character inside a string must be escaped", at: position)
            } else {
                position += 1
            }
        }
    }

    /// Marks the bytes of a word that end a run of plain text: quote, backslash, control character. The lowest mark is exact.
    @inline(__always) private static func stops(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101, highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22), backslash = word ^ (ones &* 0x5C)
        let controls = (word &- ones &* 0x20) & ~word
        let quotes = (quote &- ones) & ~quote
        let backslashes = (backslash &- ones) & ~backslash
        return (controls | quotes | backslashes) & highs
    }

    /// The text of a span.
    @inline(__always) func text(_ span: StringSpan) throws -> String {
        if span.isEscaped { return try unescaped(span) }
        let content = UnsafeRawBufferPointer(rebasing: bytes[span.start..<span.end]).bindMemory(to: UInt8.self)
        if span.isASCII { return String(decoding: content, as: UTF8.self) }
        guard let text = String(utf8: content) else {
            throw error("a string is not valid UTF-8", at: span.start - 1)
        }
        return text
    }

    @inline(never) private func unescaped(_ span: StringSpan) throws -> String {
        if let text = simplyUnescaped(span) { return text }
        var parser = JSONParser(UnsafeRawBufferPointer(rebasing: bytes[..<(span.end + 1)]), duplicateNames: .lastWins)
        return try parser.string(at: span.start - 1)
    }

    /// The text of a span whose escapes are all of two characters; `nil` for any other, and for what is no text.
    private func simplyUnescaped(_ span: StringSpan) -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: span.count) { plain -> String? in
            guard let target = plain.baseAddress, let source = bytes.baseAddress else { return nil }
            var count = 0, from = span.start
            while from < span.end {
                let run = memchr(source + from, 0x5C, span.end - from).map { UnsafeRawPointer($0) - source } ?? span.end
                memcpy(target + count, source + from, run - from)
                count += run - from
                from = run
                if from == span.end { break }
                guard from + 1 < span.end else { return nil }
                switch bytes[from + 1] {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): target[count] = bytes[from + 1]
                case UInt8(ascii: "n"): target[count] = 0x0A
                case UInt8(ascii: "r"): target[count] = 0x0D
                case UInt8(ascii: "t"): target[count] = 0x09
                case UInt8(ascii: "b"): target[count] = 0x08
                case UInt8(ascii: "f"): target[count] = 0x0C
                default: return nil
                }
                count += 1
                from += 2
            }
            return String(utf8: UnsafeBufferPointer(start: target, count: count))
        }
    }

    /// Whether a span without escapes is exactly these bytes.
    @inline(__always) func matches(_ span: StringSpan, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        guard span.count == name.count, !span.isEscaped else { return false }
        for index in 0..<name.count where bytes[span.start + index] != name[index] { return false }
        return true
    }

    func matches(_ span: StringSpan, _ name: StaticString) -> Bool {
        matches(span, UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    // MARK: Blanks and errors

    @inline(__always) mutating func skipSpace() {
        while cursor < bytes.count {
            let byte = bytes[cursor]
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            cursor += 1
        }
    }

    private var here: String {
        guard cursor < bytes.count else { return "end of the document" }
        let byte = bytes[cursor]
        if byte > 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte 0x" + String(byte, radix: 16)
    }

    @inline(never) func error(_ message: String, at offset: Int? = nil) -> JSONError {
        let offset = offset ?? cursor
        return JSONError(message, position: JSONPosition(of: offset, in: bytes), offset: offset)
    }
}
