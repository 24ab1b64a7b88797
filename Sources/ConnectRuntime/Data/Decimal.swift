/// An exact decimal number: unscaled two's-complement bytes and a scale, as Connect's `Decimal` and Java's `BigDecimal`.
///
/// The value is `unscaled × 10^(−scale)`. Two decimals are equal when bytes and scale are equal (1.0 is not 1.00), as in Java.
public struct Decimal: Sendable, Hashable {
    /// Two's complement, big-endian, in the shortest form, never empty.
    public let unscaled: [UInt8]
    /// Digits after the point; negative for trailing zeros before it.
    public let scale: Int32

    /// - Parameter unscaled: two's complement, big-endian, of any length; empty counts as zero. Stored in its shortest form.
    public init(unscaled: [UInt8], scale: Int32) {
        self.unscaled = Decimal.shortest(unscaled)
        self.scale = scale
    }

    public init(_ value: Int64, scale: Int32 = 0) {
        let significant = 64 - (value < 0 ? ~value : value).leadingZeroBitCount + 1
        let count = (significant + 7) / 8
        unscaled = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            for index in 0..<count { target[index] = UInt8(truncatingIfNeeded: value >> Int64((count - 1 - index) * 8)) }
            initialized = count
        }
        self.scale = scale
    }

    public var isNegative: Bool { (unscaled.first ?? 0) & 0x80 != 0 }

    private static func shortest(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count > 1 else { return bytes.isEmpty ? [0] : bytes }
        var start = 0
        while start < bytes.count - 1 {
            let redundant = (bytes[start] == 0x00 && bytes[start + 1] & 0x80 == 0)
                || (bytes[start] == 0xFF && bytes[start + 1] & 0x80 != 0)
            if !redundant { break }
            start += 1
        }
        return start == 0 ? bytes : Array(bytes[start...])
    }
}
