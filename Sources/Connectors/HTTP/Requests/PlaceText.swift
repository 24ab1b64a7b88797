import ConnectRuntime

/// The text of a value where it becomes part of a URL or a header.
enum PlaceText {
    /// - Throws: ``ConnectError`` `.data` for null and for what is no scalar.
    static func of(_ value: Value, _ what: String) throws -> String {
        switch value {
        case .string(let text): return text
        case .bytes(let bytes): return Base64.urlSafe(bytes)
        case .null: throw ConnectError(.data, code: "http.template", "\(what) needs a value that is null")
        case .array, .map, .structure: throw ConnectError(.data, code: "http.template", "\(what) needs a value that is no single text or number")
        default:
            var buffer = ByteBuffer(capacity: 24)
            try PlainText.write(schema: nil, value: value, into: &buffer)
            return String(decoding: buffer.bytes, as: UTF8.self)
        }
    }

    /// Percent-encodes everything but RFC 3986's unreserved characters: no byte of a value can end a path segment or begin a query.
    static func percentEncoded(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                out.append(byte)
            default:
                out.append(UInt8(ascii: "%"))
                out.append(hexDigits[Int(byte >> 4)])
                out.append(hexDigits[Int(byte & 15)])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let hexDigits = Array("0123456789ABCDEF".utf8)
}
