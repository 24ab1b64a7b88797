import ConnectRuntime

/// How items become one body.
package enum BatchFormat: Sendable, Hashable {
    case array
    case ndjson
    /// An object with the items in one member.
    case object(field: String)
    /// A text before, between and after.
    case template(prefix: [UInt8], separator: [UInt8], suffix: [UInt8])

    package var needsJSON: Bool {
        if case .template = self { return false }
        return true
    }

    package var contentType: String { self == .ndjson ? "application/x-ndjson" : "application/json" }

    package func join(_ items: some Collection<[UInt8]>) -> [UInt8] {
        let (prefix, separator, suffix) = frame
        var body: [UInt8] = []
        body.reserveCapacity(items.reduce(prefix.count + suffix.count) { $0 + $1.count + separator.count })
        body += prefix
        var isFirst = true
        for item in items {
            if isFirst { isFirst = false } else { body += separator }
            body += item
        }
        body += suffix
        return body
    }

    private var frame: (prefix: [UInt8], separator: [UInt8], suffix: [UInt8]) {
        switch self {
        case .array: return (Array("[".utf8), Array(",".utf8), Array("]".utf8))
        case .ndjson: return ([], Array("\n".utf8), Array("\n".utf8))
        case .object(let field):
            var head = ByteBuffer()
            head.append("{")
            JSON.writeString(field, into: &head)
            head.append(":[")
            return (head.bytes, Array(",".utf8), Array("]}".utf8))
        case .template(let prefix, let separator, let suffix): return (prefix, separator, suffix)
        }
    }

    /// A text of a setting with `\n`, `\r`, `\t` and `\\` in it.
    package static func unescape(_ text: String) -> [UInt8] {
        var out: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                switch byte {
                case UInt8(ascii: "n"): out.append(0x0A)
                case UInt8(ascii: "r"): out.append(0x0D)
                case UInt8(ascii: "t"): out.append(0x09)
                case UInt8(ascii: "\\"): out.append(byte)
                default: out += [UInt8(ascii: "\\"), byte]
                }
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                out.append(byte)
            }
        }
        if isEscaped { out.append(UInt8(ascii: "\\")) }
        return out
    }
}
