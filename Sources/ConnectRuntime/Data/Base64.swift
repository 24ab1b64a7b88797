/// Base64 (RFC 4648): the standard alphabet with padding, and the URL-safe one without.
public enum Base64 {
    static let standardAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    static let urlAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    public static func standard(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encode(bytes, standardAlphabet, padded: true), as: UTF8.self)
    }
    public static func urlSafe(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encode(bytes, urlAlphabet, padded: false), as: UTF8.self)
    }

    static func encode(_ bytes: some Collection<UInt8>, _ alphabet: [UInt8], padded: Bool) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var pending: UInt32 = 0, count = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            count += 1
            if count == 3 {
                for shift in [18, 12, 6, 0] as [UInt32] { out.append(alphabet[Int(pending >> shift & 63)]) }
                pending = 0
                count = 0
            }
        }
        if count == 1 {
            out.append(alphabet[Int(pending >> 2 & 63)])
            out.append(alphabet[Int(pending << 4 & 63)])
            if padded { out.append(contentsOf: "==".utf8) }
        } else if count == 2 {
            out.append(alphabet[Int(pending >> 10 & 63)])
            out.append(alphabet[Int(pending >> 4 & 63)])
            out.append(alphabet[Int(pending << 2 & 63)])
            if padded { out.append(UInt8(ascii: "=")) }
        }
        return out
    }

    /// The bytes of a text in either alphabet, padding optional; `nil` when it is no Base64.
    public static func decode(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var pending: UInt32 = 0, bits = 0, digits = 0, padding = 0
        for byte in text.utf8 {
            let digit: UInt32
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(byte - 65)
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(byte - 71)
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte + 4)
            case UInt8(ascii: "+"), UInt8(ascii: "-"): digit = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): digit = 63
            case UInt8(ascii: "="):
                padding += 1
                continue
            default: return nil
            }
            if padding > 0 { return nil }
            digits += 1
            pending = pending << 6 | digit
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
                pending &= (1 << UInt32(bits)) - 1
            }
        }
        if digits % 4 == 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 != 0) { return nil }
        return out
    }
}
