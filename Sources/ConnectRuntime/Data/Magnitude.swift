/// Whole numbers of any size, without sign: what ``Decimal`` computes with. Limbs of 64 bits, least significant first, without
/// leading zeros; zero has none. Reading and writing digits takes time with the square of their number: callers bound it.
struct Magnitude: Equatable {
    private(set) var limbs: [UInt64] = []

    init() {}
    init(_ value: UInt64) { if value != 0 { limbs = [value] } }

    var isZero: Bool { limbs.isEmpty }

    private static let digitsPerStep = 18
    private static let powersOfTen: [UInt64] = {
        var powers: [UInt64] = [1]
        for _ in 0..<digitsPerStep { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    /// From ASCII digits; anything else among them is the caller's mistake.
    init(digits: some Sequence<UInt8>) {
        var step: UInt64 = 0, count = 0
        for digit in digits {
            step = step * 10 + UInt64(digit &- UInt8(ascii: "0"))
            count += 1
            if count == Magnitude.digitsPerStep {
                multiply(by: Magnitude.powersOfTen[count], adding: step)
                step = 0
                count = 0
            }
        }
        if count > 0 { multiply(by: Magnitude.powersOfTen[count], adding: step) }
    }

    /// ASCII digits, at least one.
    var digits: [UInt8] {
        if limbs.isEmpty { return [UInt8(ascii: "0")] }
        var reversed: [UInt8] = []
        reversed.reserveCapacity(limbs.count * 20)
        var rest = self
        while !rest.isZero {
            var step = rest.divide(by: Magnitude.powersOfTen[Magnitude.digitsPerStep])
            for _ in 0..<Magnitude.digitsPerStep {
                reversed.append(UInt8(ascii: "0") + UInt8(step % 10))
                step /= 10
                if rest.isZero, step == 0 { break }
            }
        }
        reversed.reverse()
        return reversed
    }

    mutating func multiply(by factor: UInt64, adding addend: UInt64 = 0) {
        var carry = addend
        for index in limbs.indices {
            let (high, low) = limbs[index].multipliedFullWidth(by: factor)
            let (sum, overflow) = low.addingReportingOverflow(carry)
            limbs[index] = sum
            carry = high &+ (overflow ? 1 : 0)
        }
        if carry != 0 { limbs.append(carry) }
        while limbs.last == 0 { limbs.removeLast() }
    }

    mutating func multiply(byTenTo exponent: Int) {
        var rest = exponent
        while rest > 0 {
            let step = min(rest, Magnitude.digitsPerStep)
            multiply(by: Magnitude.powersOfTen[step])
            rest -= step
        }
    }

    /// Divides in place. `divisor` is not zero.
    /// - Returns: the remainder.
    mutating func divide(by divisor: UInt64) -> UInt64 {
        var remainder: UInt64 = 0
        for index in limbs.indices.reversed() {
            (limbs[index], remainder) = divisor.dividingFullWidth((remainder, limbs[index]))
        }
        while limbs.last == 0 { limbs.removeLast() }
        return remainder
    }

    /// Divides by 10^exponent when nothing is lost; otherwise returns false and the value is unusable.
    mutating func divideExactly(byTenTo exponent: Int) -> Bool {
        var rest = exponent
        while rest > 0, !isZero {
            let step = min(rest, Magnitude.digitsPerStep)
            if divide(by: Magnitude.powersOfTen[step]) != 0 { return false }
            rest -= step
        }
        return true
    }

    /// The amount of a big-endian two's complement number.
    init(twosComplement bytes: [UInt8]) {
        let negative = (bytes.first ?? 0) & 0x80 != 0
        limbs.reserveCapacity(bytes.count / 8 + 1)
        var end = bytes.count
        while end > 0 {
            let start = max(0, end - 8)
            var limb: UInt64 = negative && end - start < 8 ? UInt64.max : 0
            for byte in bytes[start..<end] { limb = limb << 8 | UInt64(byte) }
            limbs.append(limb)
            end = start
        }
        if negative { negate() }
        while limbs.last == 0 { limbs.removeLast() }
    }

    /// Big-endian two's complement of the amount with a sign, one byte longer than needed at most.
    func twosComplement(negative: Bool) -> [UInt8] {
        var copy = self
        copy.limbs.append(0)
        if negative { copy.negate() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(copy.limbs.count * 8)
        for limb in copy.limbs.reversed() {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: limb >> UInt64(shift))) }
        }
        return bytes
    }

    private mutating func negate() {
        var carry = true
        for index in limbs.indices {
            let (sum, overflow) = (~limbs[index]).addingReportingOverflow(carry ? 1 : 0)
            limbs[index] = sum
            carry = overflow
        }
    }
}
