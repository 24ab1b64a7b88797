/// Parses one JSON document into a ``JSON`` value: RFC 8259 to the letter, with line and column of what is wrong.
struct JSONParser {
    private let bytes: UnsafeRawBufferPointer
    private let duplicateNames: JSON.DuplicateNames
    private var cursor = 0
    private var depth = 0
    /// The line that holds `lineKnownTo`, and where it starts: positions are asked for in ascending order, so each byte is looked at once.
    private var line = 1
    private var lineStart = 0
    private var lineKnownTo = 0
    static let deepest = 512

    init(_ bytes: UnsafeRawBufferPointer, duplicateNames: JSON.DuplicateNames) {
        self.bytes = bytes
        self.duplicateNames = duplicateNames
    }

    mutating func document() throws(JSONError) -> JSON {
        let value = try self.value()
        skipSpace()
        if cursor < bytes.count { throw error("unexpected \(here) after the end of the document") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSON {
        skipSpace()
        guard cursor < bytes.count else { throw error("unexpected end of the document, a value is missing") }
        switch bytes[cursor] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): try word("true"); return .boolean(true)
        case UInt8(ascii: "f"): try word("false"); return .boolean(false)
        case UInt8(ascii: "n"): try word("null"); return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw error("unexpected \(here), a value is expected")
        }
    }

    private mutating func object() throws(JSONError) -> JSON {
        try enter()
        cursor += 1
        var members: [JSON.Member] = []
        var names: Set<Name> = []
        skipSpace()
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: "}") {
            cursor += 1
            depth -= 1
            return .object([])
        }
        while true {
            skipSpace()
            guard cursor < bytes.count else { throw error("unexpected end of the document inside an object") }
            guard bytes[cursor] == UInt8(ascii: "\"") else { throw error("unexpected \(here), a member name in quotes is expected") }
            let start = cursor
            let name = try string()
            if duplicateNames == .reject, !names.insert(Name(name)).inserted {
                throw error("the name \"\(name)\" stands twice in the same object", at: start)
            }
            skipSpace()
            guard cursor < bytes.count, bytes[cursor] == UInt8(ascii: ":") else { throw error("unexpected \(here), ':' is expected") }
            cursor += 1
            let place = position(advancingTo: start)
            members.append(JSON.Member(name, try value(), at: place))
            skipSpace()
            guard cursor < bytes.count else { throw error("unexpected end of the document inside an object") }
            if bytes[cursor] == UInt8(ascii: ",") {
                cursor += 1
            } else if bytes[cursor] == UInt8(ascii: "}") {
                cursor += 1
                depth -= 1
                return .object(members)
            } else {
                throw error("unexpected \(here), ',' or '}' is expected")
            }
        }
    }

    private mutating func array() throws(JSONError) -> JSON {
        try enter()
        cursor += 1
        var elements: [JSON] = []
        skipSpace()
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: "]") {
            cursor += 1
            depth -= 1
            return .array([])
        }
        while true {
            elements.append(try value())
            skipSpace()
            guard cursor < bytes.count else { throw error("unexpected end of the document inside an array") }
            if bytes[cursor] == UInt8(ascii: ",") {
                cursor += 1
            } else if bytes[cursor] == UInt8(ascii: "]") {
                cursor += 1
                depth -= 1
                return .array(elements)
            } else {
                throw error("unexpected \(here), ',' or ']' is expected")
            }
        }
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        if depth > JSONParser.deepest { throw error("nested deeper than \(JSONParser.deepest) levels") }
    }

    /// One string whose opening quote stands at `offset`.
    mutating func string(at offset: Int) throws(JSONError) -> String {
        cursor = offset
        return try string()
    }

    private mutating func string() throws(JSONError) -> String {
        let start = cursor
        cursor += 1
        var plain: [UInt8] = []
        var run = cursor
        while true {
            guard cursor < bytes.count else { throw error("a string that starts here has no closing quote", at: start) }
            switch bytes[cursor] {
            case UInt8(ascii: "\""):
                plain.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[run..<cursor]))
                cursor += 1
                guard let text = plain.withUnsafeBufferPointer({ String(utf8: $0) }) else { throw error("a string is not valid UTF-8", at: start) }
                return text
            case UInt8(ascii: "\\"):
                plain.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[run..<cursor]))
                try escape(into: &plain)
                run = cursor
            case 0..<0x20: throw error("a control character inside a string must be escaped")
            default: cursor += 1
            }
        }
    }

    private mutating func escape(into plain: inout [UInt8]) throws(JSONError) {
        let start = cursor
        cursor += 1
        guard cursor < bytes.count else { throw error("unexpected end of the document inside an escape") }
        let byte = bytes[cursor]
        cursor += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain.append(byte)
        case UInt8(ascii: "b"): plain.append(0x08)
        case UInt8(ascii: "f"): plain.append(0x0C)
        case UInt8(ascii: "n"): plain.append(0x0A)
        case UInt8(ascii: "r"): plain.append(0x0D)
        case UInt8(ascii: "t"): plain.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hex4(start))
            if (0xD800..<0xDC00).contains(code) {
                guard cursor + 1 < bytes.count, bytes[cursor] == UInt8(ascii: "\\"), bytes[cursor + 1] == UInt8(ascii: "u") else {
                    throw error("a high surrogate without its low half", at: start)
                }
                cursor += 2
                let low = UInt32(try hex4(start))
                guard (0xDC00..<0xE000).contains(low) else { throw error("a high surrogate without its low half", at: start) }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("a low surrogate without its high half", at: start) }
            plain.append(contentsOf: String(Character(scalar)).utf8)
        default: throw error("unknown escape", at: start)
        }
    }

    private mutating func hex4(_ start: Int) throws(JSONError) -> UInt16 {
        guard cursor + 4 <= bytes.count else { throw error("\\u needs four hexadecimal digits", at: start) }
        var value: UInt16 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch bytes[cursor] {
            case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw error("\\u needs four hexadecimal digits", at: start)
            }
            value = value << 4 | UInt16(digit)
            cursor += 1
        }
        return value
    }

    private mutating func number() throws(JSONError) -> String {
        let start = cursor
        if bytes[cursor] == UInt8(ascii: "-") { cursor += 1 }
        guard let first = digit() else { throw error("a digit is missing", at: start) }
        if first == UInt8(ascii: "0") {
            if digit() != nil { throw error("a number must not start with 0", at: start) }
        } else {
            while digit() != nil {}
        }
        if cursor < bytes.count, bytes[cursor] == UInt8(ascii: ".") {
            cursor += 1
            if digit() == nil { throw error("a digit is missing after the point", at: start) }
            while digit() != nil {}
        }
        if cursor < bytes.count, bytes[cursor] | 0x20 == UInt8(ascii: "e") {
            cursor += 1
            if cursor < bytes.count, bytes[cursor] == UInt8(ascii: "+") || bytes[cursor] == UInt8(ascii: "-") { cursor += 1 }
            if digit() == nil { throw error("a digit is missing in the exponent", at: start) }
            while digit() != nil {}
        }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<cursor]), as: UTF8.self)
    }

    private mutating func digit() -> UInt8? {
        guard cursor < bytes.count, bytes[cursor] >= UInt8(ascii: "0"), bytes[cursor] <= UInt8(ascii: "9") else { return nil }
        defer { cursor += 1 }
        return bytes[cursor]
    }

    private mutating func word(_ expected: StaticString) throws(JSONError) {
        let start = cursor
        for index in 0..<expected.utf8CodeUnitCount {
            guard cursor < bytes.count, bytes[cursor] == expected.utf8Start[index] else {
                throw error("unexpected word, did you mean \(expected)?", at: start)
            }
            cursor += 1
        }
    }

    private mutating func skipSpace() {
        while cursor < bytes.count {
            switch bytes[cursor] {
            case 0x20, 0x0A, 0x0D, 0x09: cursor += 1
            default: return
            }
        }
    }

    private var here: String {
        guard cursor < bytes.count else { return "end of the document" }
        let byte = bytes[cursor]
        if byte > 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte 0x" + String(byte, radix: 16)
    }

    private func error(_ message: String, at offset: Int? = nil) -> JSONError {
        let offset = offset ?? cursor
        return JSONError(message, position: position(of: offset), offset: offset)
    }

    private mutating func position(advancingTo offset: Int) -> JSONPosition {
        while lineKnownTo < offset {
            if bytes[lineKnownTo] == 0x0A {
                line += 1
                lineStart = lineKnownTo + 1
            }
            lineKnownTo += 1
        }
        return JSONPosition(line: line, column: offset - lineStart + 1)
    }

    private func position(of offset: Int) -> JSONPosition { JSONPosition(of: offset, in: bytes) }
}

extension JSONPosition {
    /// The place of a byte; looks at every byte before it, so it is for errors only.
    init(of offset: Int, in bytes: UnsafeRawBufferPointer) {
        var line = 1, lineStart = 0
        for index in 0..<min(offset, bytes.count) where bytes[index] == 0x0A {
            line += 1
            lineStart = index + 1
        }
        self.init(line: line, column: offset - lineStart + 1)
    }
}
