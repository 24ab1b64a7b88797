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

    /// The same for arrays, which most are: compiled for them.
    public static func urlSafe(_ bytes: [UInt8]) -> String {
        String(decoding: encode(bytes, urlAlphabet, padded: false), as: UTF8.self)
    }

    static func encode(_ bytes: some Collection<UInt8>, _ alphabet: [UInt8], padded: Bool) -> [UInt8] {
        let copy = Array(bytes)
        return [UInt8](unsafeUninitializedCapacity: (copy.count + 2) / 3 * 4) { target, count in
            guard let base = target.baseAddress else { return }
            count = copy.withUnsafeBufferPointer { encode($0, to: base, alphabet, padded: padded) }
        }
    }

    /// Writes the standard alphabet with padding: 4 bytes for every 3, rounded up.
    static func encode(_ bytes: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) -> Int {
        encode(bytes, to: target, standardAlphabet, padded: true)
    }

    /// Writes the URL-safe alphabet without padding: 4 bytes for every 3, and 2 or 3 for what is left.
    public static func encodeURLSafe(_ bytes: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) -> Int {
        encode(bytes, to: target, urlAlphabet, padded: false)
    }

    private static func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, _ alphabet: [UInt8], padded: Bool
    ) -> Int {
        alphabet.withUnsafeBufferPointer { alphabet in
            var read = 0, written = 0
            while bytes.count - read >= 3 {
                let group = UInt32(bytes[read]) << 16 | UInt32(bytes[read + 1]) << 8 | UInt32(bytes[read + 2])
                target[written] = alphabet[Int(group >> 18)]
                target[written + 1] = alphabet[Int(group >> 12 & 63)]
                target[written + 2] = alphabet[Int(group >> 6 & 63)]
                target[written + 3] = alphabet[Int(group & 63)]
                read += 3
                written += 4
            }
            let left = bytes.count - read
            if left == 0 { return written }
            let group = UInt32(bytes[read]) << 16 | (left == 2 ? UInt32(bytes[read + 1]) << 8 : 0)
            target[written] = alphabet[Int(group >> 18)]
            target[written + 1] = alphabet[Int(group >> 12 & 63)]
            written += 2
            if left == 2 {
                target[written] = alphabet[Int(group >> 6 & 63)]
                written += 1
            }
            while padded, written % 4 != 0 {
                target[written] = UInt8(ascii: "=")
                written += 1
            }
            return written
        }
    }

    /// The bytes of a text in either alphabet, padding optional; `nil` when it is no Base64.
    public static func decode(_ text: String) -> [UInt8]? {
        var copy = text
        return copy.withUTF8 { decode($0) }
    }

    /// The same from UTF-8 bytes.
    public static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var pending: UInt32 = 0, bits = 0, digits = 0, padding = 0
        for byte in text {
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
