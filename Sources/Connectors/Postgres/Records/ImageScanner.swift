internal import ConnectRuntime

/// Walks over the text of one `jsonb` value as the server writes it, lending its parts. Sees no document but the server's own, yet trusts no length:
/// damage throws.
struct ImageScanner {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    struct Malformed: Error {}

    @inline(__always) private mutating func skipBlanks() {
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
    }

    /// The next byte that is no blank, without taking it.
    @inline(__always) mutating func peek() throws -> UInt8 {
        skipBlanks()
        guard index < bytes.count else { throw Malformed() }
        return bytes[index]
    }

    /// Takes a byte if it comes next.
    @inline(__always) mutating func take(_ byte: UInt8) throws -> Bool {
        if try peek() == byte {
            index += 1
            return true
        }
        return false
    }

    @inline(__always) mutating func expect(_ byte: UInt8) throws {
        guard try take(byte) else { throw Malformed() }
    }

    /// A text's content between its quotes, with escapes as they are, and whether it has any.
    @inline(__always) mutating func string() throws -> (content: UnsafeRawBufferPointer, hasEscapes: Bool) {
        try expect(UInt8(ascii: "\""))
        let start = index
        var hasEscapes = false
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                let content = UnsafeRawBufferPointer(rebasing: bytes[start..<index])
                index += 1
                return (content, hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                index += 1
            }
            index += 1
        }
        throw Malformed()
    }

    /// A text.
    mutating func text() throws -> String {
        let (content, hasEscapes) = try string()
        if !hasEscapes { return String(decoding: content, as: UTF8.self) }
        return String(decoding: try ImageScanner.unescaped(content), as: UTF8.self)
    }

    /// A number, word (`true`, `false`, `null`) as it stands.
    @inline(__always) mutating func word() throws -> UnsafeRawBufferPointer {
        skipBlanks()
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20:
                if index == start { throw Malformed() }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<index])
            default: index += 1
            }
        }
        if index == start { throw Malformed() }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<index])
    }

    /// Any value, as the text it has here.
    mutating func raw() throws -> UnsafeRawBufferPointer {
        let first = try peek()
        let start = index
        switch first {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var depth = 0
            repeat {
                switch try peek() {
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    index += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    index += 1
                case UInt8(ascii: "\""): _ = try string()
                default: index += 1
                }
            } while depth > 0
        default: return try word()
        }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<index])
    }

    static func unescapedText(_ content: UnsafeRawBufferPointer) throws -> String { String(decoding: try unescaped(content), as: UTF8.self) }

    private static func unescaped(_ content: UnsafeRawBufferPointer) throws -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(content.count)
        var index = 0
        while index < content.count {
            let end = content[index...].firstIndex(of: UInt8(ascii: "\\")) ?? content.count
            if end > index { out.append(contentsOf: UnsafeRawBufferPointer(rebasing: content[index..<end])) }
            index = end + 1
            if end == content.count { break }
            guard index < content.count else { throw Malformed() }
            let escape = content[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                // The server writes only control characters this way.
                guard index + 4 <= content.count, let value = UInt32(String(decoding: content[index..<index + 4], as: UTF8.self), radix: 16),
                    let scalar = Unicode.Scalar(value)
                else { throw Malformed() }
                index += 4
                out.append(contentsOf: String(Character(scalar)).utf8)
            default: out.append(escape)
            }
        }
        return out
    }
}
