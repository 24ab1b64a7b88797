/// Numbers as Java writes them (`Long.toString`, `Double.toString`, `Float.toString`, `BigDecimal.toString`), into memory that has room.
///
/// Doubles are the shortest text that reads back as the same value, in Java's shape: at least one digit after the point,
/// an exponent below 10⁻³ and from 10⁷ on.
enum JSONNumber {
    /// At most 20 bytes.
    @inline(__always) static func write(_ value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        if value >= 0 { return write(magnitude: UInt64(bitPattern: value), to: target) }
        target[0] = UInt8(ascii: "-")
        return 1 + write(magnitude: value.magnitude, to: target + 1)
    }

    static func write(magnitude value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        let count = digitCount(value)
        write(value, digits: count, to: target)
        return count
    }

    /// Exactly `digits` digits, with zeros in front.
    @inline(__always) private static func write(_ value: UInt64, digits: Int, to target: UnsafeMutablePointer<UInt8>) {
        var rest = value
        var position = digits
        while position >= 2 {
            let (quotient, pair) = (rest / 100, rest % 100)
            rest = quotient
            position -= 2
            let tens = pair / 10
            target[position] = UInt8(truncatingIfNeeded: 48 &+ tens)
            target[position + 1] = UInt8(truncatingIfNeeded: 48 &+ pair &- tens &* 10)
        }
        if position == 1 { target[0] = UInt8(truncatingIfNeeded: 48 &+ rest % 10) }
    }

    @inline(__always) private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var limit: UInt64 = 10
        while value >= limit {
            count += 1
            let (next, overflow) = limit.multipliedReportingOverflow(by: 10)
            if overflow { break }
            limit = next
        }
        return count
    }

    /// A decimal of 0 < scale < 18; at most 40 bytes.
    static func write(unscaled: Int64, scale: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
        let magnitude = unscaled.magnitude
        let count = digitCount(magnitude)
        var length = 0
        if unscaled < 0 {
            target[0] = UInt8(ascii: "-")
            length = 1
        }
        if count - 1 - scale < -6 {
            return length + scientific(magnitude, digits: count, exponent: count - 1 - scale, java: false, to: target + length)
        }
        let whole = max(count, scale + 1)
        write(magnitude, digits: whole, to: target + length)
        let point = length + whole - scale
        for position in stride(from: length + whole, to: point, by: -1) { target[position] = target[position - 1] }
        target[point] = UInt8(ascii: ".")
        return length + whole + 1
    }

    /// `d.dddE±x`. Java's doubles write at least one digit after the point and no plus; its decimals the other way round.
    private static func scientific(_ value: UInt64, digits: Int, exponent: Int, java: Bool, to target: UnsafeMutablePointer<UInt8>) -> Int {
        write(value, digits: digits, to: target + 1)
        target[0] = target[1]
        target[1] = UInt8(ascii: ".")
        var length = digits + 1
        if digits == 1 {
            if java {
                target[2] = UInt8(ascii: "0")
                length = 3
            } else {
                length = 1
            }
        }
        target[length] = UInt8(ascii: "E")
        length += 1
        if !java, exponent > 0 {
            target[length] = UInt8(ascii: "+")
            length += 1
        }
        return length + write(Int64(exponent), to: target + length)
    }

    /// At most 26 bytes.
    static func write(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> Int {
        guard value.isFinite else { return special(value.isNaN, value < 0, to: target) }
        var length = 0
        if value.sign == .minus {
            target[0] = UInt8(ascii: "-")
            length = 1
        }
        let amount = value.magnitude
        if amount < 1e9 {
            // A decimal of at most 15 digits that reads back as the same double is the only such one, so it is the shortest.
            let scaled = (amount * 1e6).rounded()
            if scaled < 1e15, scaled / 1e6 == amount {
                return length + java(UInt64(scaled), scale: 6, to: target + length)
            }
        }
        if amount <= 2 * Double.leastNonzeroMagnitude {
            // Java wants two digits here and picks the nearest.
            return length + copy(amount == Double.leastNonzeroMagnitude ? "4.9E-324" : "9.9E-324", to: target + length)
        }
        return length + general(amount.description, to: target + length)
    }

    static func write(_ value: Float, to target: UnsafeMutablePointer<UInt8>) -> Int {
        guard value.isFinite else { return special(value.isNaN, value < 0, to: target) }
        var length = 0
        if value.sign == .minus {
            target[0] = UInt8(ascii: "-")
            length = 1
        }
        let amount = value.magnitude
        if amount < 1e3 {
            let scaled = (amount * 1e3).rounded()
            if scaled < 1e6, scaled / 1e3 == amount { return length + java(UInt64(scaled), scale: 3, to: target + length) }
        }
        if amount <= 2 * Float.leastNonzeroMagnitude {
            return length + copy(amount == Float.leastNonzeroMagnitude ? "1.4E-45" : "2.8E-45", to: target + length)
        }
        return length + general(amount.description, to: target + length)
    }

    private static func special(_ isNaN: Bool, _ negative: Bool, to target: UnsafeMutablePointer<UInt8>) -> Int {
        copy(isNaN ? "\"NaN\"" : negative ? "\"-Infinity\"" : "\"Infinity\"", to: target)
    }

    private static func copy(_ text: StaticString, to target: UnsafeMutablePointer<UInt8>) -> Int {
        target.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        return text.utf8CodeUnitCount
    }

    /// Any text of a positive number, as Swift writes it, in Java's shape.
    private static func general(_ text: String, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var digits: UInt64 = 0, scale = 0, exponent = 0
        var seenPoint = false, inExponent = false, negative = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "."): seenPoint = true
            case UInt8(ascii: "e"): inExponent = true
            case UInt8(ascii: "-"): negative = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if inExponent {
                    exponent = exponent * 10 + Int(byte - 48)
                } else {
                    // At most 17 digits, and zeros up to 2^54 where Swift writes none as exponent.
                    digits = digits &* 10 &+ UInt64(byte - 48)
                    if seenPoint { scale += 1 }
                }
            default: break
            }
        }
        return java(digits, scale: scale - (negative ? -exponent : exponent), to: target)
    }

    /// The number `digits × 10^−scale` in the shape of Java's `Double.toString`.
    private static func java(_ digits: UInt64, scale: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
        if digits == 0 { return copy("0.0", to: target) }
        var digits = digits, scale = scale
        while digits % 10 == 0 {
            digits /= 10
            scale -= 1
        }
        let count = digitCount(digits)
        let exponent = count - 1 - scale
        if exponent < -3 || exponent >= 7 { return scientific(digits, digits: count, exponent: exponent, java: true, to: target) }
        if scale <= 0 {
            write(digits, digits: count, to: target)
            for position in count..<(count - scale) { target[position] = UInt8(ascii: "0") }
            return count - scale + copy(".0", to: target + count - scale)
        }
        return write(unscaled: Int64(bitPattern: digits), scale: scale, to: target)
    }
}
