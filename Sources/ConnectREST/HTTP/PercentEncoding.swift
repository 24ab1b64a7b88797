import ConnectRuntime

/// Percent-encoding of path segments and query items (RFC 3986).
public enum PercentEncoding {
    static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) throws(Target.Malformed) -> String {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2]) else {
                    throw Target.Malformed(message: "The request target has a '%' that no two hexadecimal digits follow")
                }
                plain.append(high << 4 | low)
                index += 3
            } else {
                plain.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        guard let text = String(validating: plain, as: UTF8.self) else {
            throw Target.Malformed(message: "The request target is not UTF-8 once its percent-encoding is undone")
        }
        return text
    }

    /// A name as one path segment: everything encoded but what RFC 3986 lets stand there, and `%` and `/` always.
    public static func segment(_ name: String) -> String { encode(name) { isUnreserved($0) || "!$&'()*+,;=:@".utf8.contains($0) } }

    /// A text as the value of a query item.
    public static func queryValue(_ text: String) -> String { encode(text, isUnreserved) }

    private static func encode(_ text: String, _ stays: (UInt8) -> Bool) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            if stays(byte) {
                out.append(byte)
            } else {
                out.append(UInt8(ascii: "%"))
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
