/// A number as it stands in JSON bytes, and what Java would make of it.
struct JSONNumberToken {
    let start: Int
    var end = 0
    var isNegative = false
    /// Neither point nor exponent.
    var isIntegral = true
    /// All digits as one number, modulo 2^64; exact when `digits` ≤ 19.
    var mantissa: UInt64 = 0
    var digits = 0
    /// The power of ten that the mantissa is multiplied by.
    var exponent = 0

    init(start: Int) { self.start = start }

    private func text(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[start..<end]) }

    /// The low 64 bits of the number without its fraction, as Java's `longValue()` of a big number.
    func truncated(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        var value = mantissa
        if exponent < 0 {
            value = 0
            var left = digits + exponent
            for byte in text(bytes) where left > 0 {
                let digit = byte &- UInt8(ascii: "0")
                if digit > 9 { continue }
                value = value &* 10 &+ UInt64(digit)
                left -= 1
            }
        } else if exponent > 0 {
            // 10^64 is a multiple of 2^64.
            for _ in 0..<min(exponent, 64) { value = value &* 10 }
        }
        return Int64(bitPattern: isNegative ? 0 &- value : value)
    }

    /// The exact integer, `nil` with point or exponent or outside 64 bits.
    func exact(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard isIntegral else { return nil }
        if digits <= 18 {
            let value = Int64(bitPattern: mantissa)
            return isNegative ? -value : value
        }
        return Int64(String(decoding: text(bytes), as: UTF8.self))
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The nearest double; infinite beyond its range.
    @inline(__always) func double(_ bytes: UnsafeRawBufferPointer) -> Double {
        // Both factors exact, so one rounding: the result is the nearest.
        if digits <= 18, mantissa < 1 << 53, exponent >= -22, exponent <= 22 {
            let value = exponent < 0 ? Double(mantissa) / JSONNumberToken.powers[-exponent] : Double(mantissa) * JSONNumberToken.powers[exponent]
            return isNegative ? -value : value
        }
        return Double(String(decoding: text(bytes), as: UTF8.self)) ?? .nan
    }

    /// The nearest float; infinite beyond its range.
    func float(_ bytes: UnsafeRawBufferPointer) -> Float {
        if digits <= 18, mantissa < 1 << 24, exponent >= -10, exponent <= 10 {
            let value =
                exponent < 0
                ? Float(mantissa) / Float(JSONNumberToken.powers[-exponent]) : Float(mantissa) * Float(JSONNumberToken.powers[exponent])
            return isNegative ? -value : value
        }
        return Float(String(decoding: text(bytes), as: UTF8.self)) ?? .nan
    }

    /// The exact decimal, `nil` beyond the bounds of ``Decimal``.
    func decimal(_ bytes: UnsafeRawBufferPointer) -> Decimal? {
        if digits <= 18, exponent >= -1000, exponent <= 1000 {
            let value = Int64(bitPattern: mantissa)
            return Decimal(isNegative ? -value : value, scale: Int32(-exponent))
        }
        return Decimal(text(bytes))
    }
}
