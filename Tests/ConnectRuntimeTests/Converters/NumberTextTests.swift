import ConnectRuntime
import Testing

/// Numbers as Java writes them, through the converter that people see.
@Suite struct NumberTextTests {
    private func text(_ value: Value) throws -> String {
        var buffer = ByteBuffer()
        try PlainText.write(schema: nil, value: value, into: &buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"), (100, "100.0"), (9_999_999, "9999999.0"), (1e7, "1.0E7"),
        (12_345_678.9, "1.23456789E7"), (0.001, "0.001"), (0.00099, "9.9E-4"), (1e-7, "1.0E-7"), (1e300, "1.0E300"), (1.5e-300, "1.5E-300"),
        (123_456_789_012_345_680, "1.2345678901234568E17"), (.leastNonzeroMagnitude, "4.9E-324"), (2 * Double.leastNonzeroMagnitude, "9.9E-324"), (3 * Double.leastNonzeroMagnitude, "1.5E-323"), (2.2250738585072014e-308, "2.2250738585072014E-308"),
        (1.7976931348623157e308, "1.7976931348623157E308"), (9_007_199_254_740_992, "9.007199254740992E15"), (1_000_000.000001, "1000000.000001"),
        (123_456.789, "123456.789"), (-12.5, "-12.5"), (.nan, "\"NaN\""), (.infinity, "\"Infinity\""), (-.infinity, "\"-Infinity\""),
    ] as [(Double, String)])
    func doubles(value: Double, java: String) throws {
        #expect(try text(.float64(value)) == java)
    }

    @Test(arguments: [
        (0, "0.0"), (0.25, "0.25"), (0.1, "0.1"), (16_777_216, "1.6777216E7"), (3.4028235e38, "3.4028235E38"), (.leastNonzeroMagnitude, "1.4E-45"), (2 * Float.leastNonzeroMagnitude, "2.8E-45"),
        (.leastNormalMagnitude, "1.1754944E-38"), (123_456.79, "123456.79"), (0.001, "0.001"), (1e-4, "1.0E-4"), (-999.5, "-999.5"), (.nan, "\"NaN\""),
    ] as [(Float, String)])
    func floats(value: Float, java: String) throws {
        #expect(try text(.float32(value)) == java)
    }

    /// The shortest text that reads back as the same value, as Swift's own is.
    @Test func everyDoubleReadsBack() throws {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<20_000 {
            let value = round % 2 == 0 ? Double(bitPattern: generator.next()) : Double(Int64.random(in: -1_000_000_000...1_000_000_000)) / 1000
            guard value.isFinite else { continue }
            let written = try text(.float64(value))
            #expect(Double(written)?.bitPattern == value.bitPattern, "\(written)")
            let digits = written.split(separator: "E")[0].filter(\.isNumber).drop { $0 == "0" }
            let shortest = value.description.split(separator: "e")[0].filter(\.isNumber).drop { $0 == "0" }
            #expect(Self.significant(digits) == Self.significant(shortest), "\(written) \(value)")
        }
    }

    private static func significant(_ digits: Substring.SubSequence) -> Substring {
        var rest = digits[...]
        while rest.last == "0" { rest = rest.dropLast() }
        return rest
    }

    @Test(arguments: [
        (Decimal(1250, scale: 2), "12.50"), (Decimal(-5, scale: 3), "-0.005"), (Decimal(1234, scale: -2), "1.234E+5"), (Decimal(1, scale: 7), "1E-7"),
        (Decimal(123, scale: 10), "1.23E-8"), (Decimal(Int64.min, scale: 17), "-92.23372036854775808"), (Decimal(0, scale: 2), "0.00"), (Decimal(0, scale: 8), "0E-8"),
    ])
    func decimals(value: ConnectRuntime.Decimal, java: String) throws {
        #expect(try text(.decimal(value)) == java)
        #expect(value.text == java)
    }

    @Test func integers() throws {
        for value in [0, 9, 10, 99, 100, 12345, -1, -10, Int64.max, Int64.min, 999_999_999_999_999_999, 1_000_000_000_000_000_000] as [Int64] {
            #expect(try text(.int64(value)) == String(value))
        }
    }

    @Test(arguments: [
        ("plain", "\"plain\""), ("a\"b\\c/", "\"a\\\"b\\\\c/\""), ("\u{8}\t\n\u{c}\r", "\"\\b\\t\\n\\f\\r\""), ("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001F\u{7f}\""),
        ("é\u{2028}", "\"é\u{2028}\""), ("😀", "\"\\uD83D\\uDE00\""), ("\u{10FFFF}", "\"\\uDBFF\\uDFFF\""), ("12345678\"12345678", "\"12345678\\\"12345678\""),
        (String(repeating: "x\n", count: 500), "\"" + String(repeating: "x\\n", count: 500) + "\""),
        (String(repeating: "😀é", count: 300), "\"" + String(repeating: "\\uD83D\\uDE00é", count: 300) + "\""),
    ])
    func textAsJackson(text: String, json: String) throws {
        let converter = try Golden.converter("JsonConverter", .object([JSON.Member("schemas.enable", .boolean(false))]))
        #expect(try converter.text(SchemaAndValue(value: .string(text))) == json)
        #expect(try converter.read(json).value == .string(text))
    }

    /// What leaves the process is as people read it.
    @Test func plainText() throws {
        let schema = Schema.structure("S", fields: [Schema.Field("a", .plain(.string)), Schema.Field("d", .decimal(scale: 2)), Schema.Field("b", .plain(.bytes))])
        #expect(try text(.string("a \"raw\"\n")) == "a \"raw\"\n")
        #expect(try text(.structure(Struct(schema, [.string("😀\n"), .decimal(Decimal(150, scale: 2)), .bytes([1, 2, 3])]))) == "{\"a\":\"😀\\n\",\"d\":1.50,\"b\":\"AQID\"}")
        #expect(try text(.null) == "null")
        #expect(try text(.map([Value.MapEntry(key: .int32(1), value: .boolean(true))])) == "[[1,true]]")
        var deep = Value.array([])
        for _ in 0..<600 { deep = .array([deep]) }
        #expect(throws: ConnectError.self) { try text(deep) }
    }
}
