/// A JSON document as a value: configurations, REST bodies, offsets. The record path does not go through it (see the
/// JSON converter), so it favours fidelity: numbers keep their text, members keep their order.
public enum JSON: Sendable, Hashable {
    case null
    case boolean(Bool)
    /// The number exactly as it was written.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    public struct Member: Sendable, Hashable {
        public let name: Name
        public let value: JSON
        /// Where the member's name and value stand in the text it was parsed from; zeros when it was built.
        public let position: JSONPosition

        public init(_ name: String, _ value: JSON, at position: JSONPosition = JSONPosition()) {
            self.name = Name(name)
            self.value = value
            self.position = position
        }

        public static func == (left: Member, right: Member) -> Bool { left.name == right.name && left.value == right.value }
        public func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(value)
        }
    }

    public static func integer(_ value: Int64) -> JSON { .number(String(value)) }

    /// The last member of that name, `nil` when this is no object or has none.
    public subscript(name: Name) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    public var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }
    public var int64: Int64? {
        if case .number(let text) = self { return Int64(text) }
        return nil
    }
    public var members: [Member]? {
        if case .object(let members) = self { return members }
        return nil
    }
    public var elements: [JSON]? {
        if case .array(let elements) = self { return elements }
        return nil
    }
}

/// A place in a text, both counted from 1 (columns in bytes, as compilers do); zeros where there is none.
public struct JSONPosition: Sendable, Hashable {
    public var line: Int
    public var column: Int
    public init(line: Int = 0, column: Int = 0) {
        self.line = line
        self.column = column
    }
}

/// Malformed JSON: what was wrong, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    public let message: String
    public let position: JSONPosition
    /// Bytes before the mistake.
    public let offset: Int

    public init(_ message: String, position: JSONPosition, offset: Int) {
        self.message = message
        self.position = position
        self.offset = offset
    }

    public var description: String { "\(message) at line \(position.line), column \(position.column)" }
}

extension JSON {
    /// What a repeated member name in one object means.
    public enum DuplicateNames: Sendable { case reject, lastWins }

    /// Parses exactly one document.
    /// - Throws: ``JSONError`` with line and column; nesting deeper than 512 is refused.
    public static func parse(_ bytes: [UInt8], duplicateNames: DuplicateNames = .reject) throws(JSONError) -> JSON {
        try bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSON in
            var parser = JSONParser(UnsafeRawBufferPointer(buffer), duplicateNames: duplicateNames)
            return try parser.document()
        }
    }

    public static func parse(_ text: String, duplicateNames: DuplicateNames = .reject) throws(JSONError) -> JSON {
        try parse(Array(text.utf8), duplicateNames: duplicateNames)
    }

    /// The document as bytes, compact or indented by two spaces.
    public func serialized(pretty: Bool = false) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 128)
        write(into: &buffer, indent: pretty ? 0 : nil)
        return buffer.take()
    }

    public var serializedText: String { String(decoding: serialized(), as: UTF8.self) }

    private func write(into buffer: inout ByteBuffer, indent: Int?) {
        switch self {
        case .null: buffer.append("null")
        case .boolean(let value): value ? buffer.append("true") : buffer.append("false")
        case .number(let text): buffer.append(text: text)
        case .string(let text): JSON.writeString(text, into: &buffer)
        case .array(let elements):
            buffer.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: ",")) }
                JSON.breakLine(into: &buffer, indent: indent.map { $0 + 1 })
                element.write(into: &buffer, indent: indent.map { $0 + 1 })
            }
            if !elements.isEmpty { JSON.breakLine(into: &buffer, indent: indent) }
            buffer.append(UInt8(ascii: "]"))
        case .object(let members):
            buffer.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: ",")) }
                JSON.breakLine(into: &buffer, indent: indent.map { $0 + 1 })
                JSON.writeString(member.name.text, into: &buffer)
                buffer.append(UInt8(ascii: ":"))
                if indent != nil { buffer.append(UInt8(ascii: " ")) }
                member.value.write(into: &buffer, indent: indent.map { $0 + 1 })
            }
            if !members.isEmpty { JSON.breakLine(into: &buffer, indent: indent) }
            buffer.append(UInt8(ascii: "}"))
        }
    }

    private static func breakLine(into buffer: inout ByteBuffer, indent: Int?) {
        guard let indent else { return }
        buffer.append(UInt8(ascii: "\n"))
        for _ in 0..<indent { buffer.append("  ") }
    }

    /// Appends a quoted JSON string: only what RFC 8259 demands is escaped.
    public static func writeString(_ text: String, into buffer: inout ByteBuffer) {
        var copy = text
        copy.withUTF8 { bytes in
            buffer.append(UInt8(ascii: "\""))
            var run = 0
            for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                buffer.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[run..<index])))
                run = index + 1
                writeEscape(byte, into: &buffer)
            }
            buffer.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[run...])))
            buffer.append(UInt8(ascii: "\""))
        }
    }

    private static func writeEscape(_ byte: UInt8, into buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.append("\\\"")
        case UInt8(ascii: "\\"): buffer.append("\\\\")
        case 0x0A: buffer.append("\\n")
        case 0x0D: buffer.append("\\r")
        case 0x09: buffer.append("\\t")
        case 0x08: buffer.append("\\b")
        case 0x0C: buffer.append("\\f")
        default:
            buffer.append("\\u00")
            buffer.append(JSON.hexDigits[Int(byte >> 4)])
            buffer.append(JSON.hexDigits[Int(byte & 15)])
        }
    }

    static let hexDigits = Array("0123456789abcdef".utf8)
}
