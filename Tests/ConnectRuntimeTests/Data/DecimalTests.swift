import ConnectRuntime
import class Foundation.NSDecimalNumber
import Testing

@Suite struct DecimalTests {
    /// `new BigDecimal(text).toString()` and `toPlainString()`, as Java has them.
    @Test(arguments: [
        ("0", "0", "0"), ("12.50", "12.50", "12.50"), ("-0.05", "-0.05", "-0.05"), ("1E+5", "1E+5", "100000"), ("1.234E+5", "1.234E+5", "123400"),
        ("0.0000001", "1E-7", "0.0000001"), ("0.000001", "0.000001", "0.000001"), ("123E-10", "1.23E-8", "0.0000000123"), ("0E+3", "0E+3", "0"),
        ("0.00", "0.00", "0.00"), ("-1e-7", "-1E-7", "-0.0000001"), ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808", "-9223372036854775808"), ("9223372036854775808", "9223372036854775808", "9223372036854775808"),
        ("-123456789012345678901234567890.123456789", "-123456789012345678901234567890.123456789", "-123456789012345678901234567890.123456789"),
        (".5", "0.5", "0.5"), ("5.", "5", "5"), ("+7", "7", "7"), ("00012", "12", "12"), ("1000000000000000000000", "1000000000000000000000", "1000000000000000000000"),
    ])
    func text(written: String, java: String, plain: String) throws {
        let decimal = try #require(Decimal(written))
        #expect(decimal.text == java)
        #expect(decimal.plainText == plain)
        #expect(Decimal(decimal.text) == decimal)
    }

    @Test(arguments: ["", "-", ".", "1e", "1e+", "e5", "1.2.3", "1 ", " 1", "0x1", "NaN", "1e99999999999", "1e-3000000000", "--1", "1_0", "١"])
    func noDecimals(_ text: String) {
        #expect(Decimal(text) == nil)
    }

    @Test(arguments: [
        ([0x00], 0, "0"), ([0xFF], 0, "-1"), ([0x80], 0, "-128"), ([0x00, 0x80], 0, "128"), ([0x04, 0xD2], 2, "12.34"), ([0xFF, 0x00], 1, "-25.6"),
        ([0x01, 0, 0, 0, 0, 0, 0, 0, 0], 0, "18446744073709551616"), ([0xFF, 0, 0, 0, 0, 0, 0, 0, 0], 0, "-18446744073709551616"),
    ] as [([UInt8], Int32, String)])
    func unscaledBytes(bytes: [UInt8], scale: Int32, text: String) throws {
        #expect(Decimal(unscaled: bytes, scale: scale).text == text)
        #expect(try #require(Decimal(text)).unscaled == bytes)
    }

    @Test func smallNumbersAreShortest() {
        for value in [0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, Int64.max, Int64.min] as [Int64] {
            let decimal = Decimal(value, scale: 3)
            #expect(decimal == Decimal(unscaled: withUnsafeBytes(of: value.bigEndian) { Array($0) }, scale: 3))
            #expect(decimal.smallUnscaled == value)
        }
    }

    @Test(arguments: [
        ("12.5", 2, "12.50"), ("12.50", 1, "12.5"), ("12.55", 1, nil), ("0", 5, "0.00000"), ("1E+3", 0, "1000"), ("1000", -3, "1E+3"), ("1001", -3, nil),
        ("0.000", -2, "0E+2"), ("-0.10", 1, "-0.1"), ("1", 2_000_000_000, nil), ("1", -2_000_000_000, nil), ("99999999999999999999.5", 3, "99999999999999999999.500"),
    ] as [(String, Int32, String?)])
    func rescaling(text: String, scale: Int32, expected: String?) throws {
        #expect(try #require(Decimal(text)).rescaled(to: scale)?.text == expected)
    }

    @Test func hugeOnesAreBounded() throws {
        let most = String(repeating: "9", count: Decimal.mostDigits)
        let decimal = try #require(Decimal(most))
        #expect(decimal.unscaled.count <= Decimal.mostBytes)
        #expect(decimal.text == most)
        #expect(Decimal(most + "9") == nil)
        let far = try #require(Decimal("1E+2000000000"))
        #expect(far.text == "1E+2000000000")
        #expect(far.plainText == nil)
        #expect(Decimal(1, scale: Int32.max).text == "1E-2147483647")
        #expect(Decimal(1, scale: Int32.min).text == "1E+2147483648")
        #expect(far.double == .infinity)
    }

    /// Foundation's decimals (38 digits) are the judge.
    @Test func agreesWithFoundation() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let digits = (0..<Int.random(in: 1...36, using: &generator)).map { _ in String(Int.random(in: 0...9, using: &generator)) }.joined()
            let point = Int.random(in: 0...digits.count, using: &generator)
            let text = "-" + digits.prefix(point) + "." + digits.dropFirst(point)
            guard point > 0, point < digits.count else { continue }
            let plain = try #require(Decimal(text)).plainText
            #expect(NSDecimalNumber(string: plain).compare(NSDecimalNumber(string: text)).rawValue == 0, "\(text)")
        }
    }
}
