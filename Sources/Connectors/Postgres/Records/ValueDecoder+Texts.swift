extension ValueDecoder {
    /// `\x6162` as bytes; in JSON the backslash stands doubled.
    static func hexadecimal(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var start = 0
        while start < text.count, text[start] == UInt8(ascii: "\\") { start += 1 }
        guard start > 0, start < text.count, text[start] == UInt8(ascii: "x"), (text.count - start) % 2 == 1 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity((text.count - start) / 2)
        var index = start + 1
        while index < text.count {
            guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
            out.append(high << 4 | low)
            index += 2
        }
        return out
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// `1011` as Debezium's bits: the last digit is the lowest bit of the first byte.
    static func bits(_ text: UnsafeRawBufferPointer, length: Int) -> [UInt8]? {
        guard text.count == length else { return nil }
        var out = [UInt8](repeating: 0, count: (length + 7) / 8)
        for (place, byte) in text.reversed().enumerated() {
            switch byte {
            case UInt8(ascii: "1"): out[place / 8] |= 1 << UInt8(place % 8)
            case UInt8(ascii: "0"): break
            default: return nil
            }
        }
        return out
    }

    /// `-$1,234.56`, as the pinned C locale writes it, as a plain number.
    static func money(_ text: String) -> String? {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"): out.append(byte)
            case UInt8(ascii: "$"), UInt8(ascii: ","): break
            default: return nil
            }
        }
        return out.isEmpty ? nil : String(decoding: out, as: UTF8.self)
    }

    /// Without the blanks that fill a `char(n)`.
    static func trimmed(_ text: String) -> String {
        var bytes = text.utf8[...]
        while bytes.last == UInt8(ascii: " ") { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
