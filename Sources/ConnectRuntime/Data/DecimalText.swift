/// Decimals as text, both ways, as Java's `BigDecimal` reads and writes them.
extension Decimal {
    /// Digits that are read from text or made by rescaling: more than any database stores (PostgreSQL's numeric has 147,455),
    /// few enough that a hostile number costs a fraction of a second.
    public static let mostDigits = 150_000
    /// The unscaled bytes that hold ``mostDigits``: readers of foreign bytes refuse longer ones.
    public static let mostBytes = mostDigits * 10 / 24

    /// Reads `[+-]digits[.digits][e[+-]digits]`, as `new BigDecimal(String)`; the scale is the written one (1.50 has 2).
    /// `nil` when it is no such text, has more than ``mostDigits`` digits, or its scale does not fit 32 bits.
    public init?(_ text: String) {
        var copy = text
        guard let value = copy.withUTF8({ Decimal(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = value
    }

    /// The same from UTF-8 bytes.
    public init?(_ text: UnsafeRawBufferPointer) {
        var index = 0
        var negative = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            negative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        let mantissa = index
        var point: Int?
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "."), point == nil {
                point = index
            } else if byte < UInt8(ascii: "0") || byte > UInt8(ascii: "9") {
                break
            }
            index += 1
        }
        let end = index
        let digitCount = end - mantissa - (point == nil ? 0 : 1)
        guard digitCount > 0, digitCount <= Decimal.mostDigits else { return nil }
        var scale = Int64(point.map { end - $0 - 1 } ?? 0)
        if index < text.count {
            guard let exponent = Decimal.exponent(text, index) else { return nil }
            scale -= exponent
        }
        guard let scale = Int32(exactly: scale) else { return nil }
        if digitCount <= 18 {
            var value: Int64 = 0
            for position in mantissa..<end where position != point { value = value * 10 + Int64(text[position] - UInt8(ascii: "0")) }
            self.init(negative ? -value : value, scale: scale)
        } else {
            let magnitude = Magnitude(digits: (mantissa..<end).lazy.filter { $0 != point }.map { text[$0] })
            self.init(unscaled: magnitude.twosComplement(negative: negative), scale: scale)
        }
    }

    private static func exponent(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int64? {
        var index = start
        guard text[index] | 0x20 == UInt8(ascii: "e") else { return nil }
        index += 1
        var negative = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            negative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < text.count else { return nil }
        var value: Int64 = 0
        while index < text.count {
            guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return nil }
            value = min(value * 10 + Int64(text[index] - UInt8(ascii: "0")), 1 << 40)
            index += 1
        }
        return negative ? -value : value
    }

    /// The unscaled value where it fits, else `nil`.
    public var smallUnscaled: Int64? {
        guard unscaled.count <= 8 else { return nil }
        var value: Int64 = isNegative ? -1 : 0
        for byte in unscaled { value = value << 8 | Int64(byte) }
        return value
    }

    /// ASCII digits of the unscaled amount, without sign.
    var digits: [UInt8] {
        if let small = smallUnscaled { return Array(String(small.magnitude).utf8) }
        return Magnitude(twosComplement: unscaled).digits
    }

    /// As Java's `BigDecimal.toString`: plain where the exponent is small, else `1.234E+5`. Never much longer than its digits.
    public var text: String {
        var bytes: [UInt8] = []
        appendText(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    func appendText(to bytes: inout [UInt8]) {
        let digits = self.digits
        if isNegative { bytes.append(UInt8(ascii: "-")) }
        let adjusted = Int64(digits.count) - 1 - Int64(scale)
        if scale >= 0, adjusted >= -6 {
            Decimal.appendPlain(digits, scale: Int(scale), to: &bytes)
            return
        }
        bytes.append(digits[0])
        if digits.count > 1 {
            bytes.append(UInt8(ascii: "."))
            bytes.append(contentsOf: digits[1...])
        }
        if adjusted != 0 {
            bytes.append(UInt8(ascii: "E"))
            if adjusted > 0 { bytes.append(UInt8(ascii: "+")) }
            bytes.append(contentsOf: String(adjusted).utf8)
        }
    }

    /// As Java's `toPlainString`, without exponent; `nil` when that needs more than ``mostDigits`` digits.
    public var plainText: String? {
        let digits = self.digits
        let zeros = scale < 0 ? -Int64(scale) : max(0, Int64(scale) - Int64(digits.count))
        guard zeros + Int64(digits.count) <= Int64(Decimal.mostDigits) else { return nil }
        var bytes: [UInt8] = []
        if isNegative { bytes.append(UInt8(ascii: "-")) }
        if scale >= 0 {
            Decimal.appendPlain(digits, scale: Int(scale), to: &bytes)
        } else {
            bytes.append(contentsOf: digits)
            if digits != [UInt8(ascii: "0")] { bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: Int(zeros))) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendPlain(_ digits: [UInt8], scale: Int, to bytes: inout [UInt8]) {
        if scale == 0 {
            bytes.append(contentsOf: digits)
        } else if digits.count > scale {
            bytes.append(contentsOf: digits[..<(digits.count - scale)])
            bytes.append(UInt8(ascii: "."))
            bytes.append(contentsOf: digits[(digits.count - scale)...])
        } else {
            bytes.append(contentsOf: [UInt8(ascii: "0"), UInt8(ascii: ".")])
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: scale - digits.count))
            bytes.append(contentsOf: digits)
        }
    }

    /// The same value with another scale; `nil` when digits would be lost or more than ``mostDigits`` needed.
    public func rescaled(to newScale: Int32) -> Decimal? {
        if newScale == scale { return self }
        if unscaled == [0] { return Decimal(unscaled: [0], scale: newScale) }
        let shift = Int64(newScale) - Int64(scale)
        guard abs(shift) + Int64(unscaled.count) * 24 / 10 <= Int64(Decimal.mostDigits) + 3 else { return nil }
        var magnitude = Magnitude(twosComplement: unscaled)
        if shift > 0 {
            magnitude.multiply(byTenTo: Int(shift))
        } else if !magnitude.divideExactly(byTenTo: Int(-shift)) {
            return nil
        }
        return Decimal(unscaled: magnitude.twosComplement(negative: isNegative), scale: newScale)
    }

    /// The nearest double; infinite beyond its range.
    public var double: Double { Double(text) ?? .nan }
}

extension Decimal: CustomStringConvertible {
    public var description: String { text }
}
