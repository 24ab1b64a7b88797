import ConnectRuntime
import Testing

/// What is called plain JSON goes out as it came: so reading it and writing what was read must give the same bytes.
@Suite struct PlainJSONCheckTests {
    private let converter: JsonConverter

    init() throws { converter = try #require(try Golden.converter("JsonConverter", .object([JSON.Member("schemas.enable", .boolean(false))])) as? JsonConverter) }

    private func isPlain(_ text: [UInt8]) -> Bool { converter.isPlainJSON(ByteSlice(text), headers: []) }

    /// Read as any record is, and written as any body is; `nil` where it cannot be read.
    private func written(_ text: [UInt8]) -> [UInt8]? {
        guard let read = try? converter.deserialize(topic: "t", headers: [], bytes: ByteSlice(text)) else { return nil }
        var buffer = ByteBuffer()
        guard (try? PlainText.write(schema: read.schema, value: read.value, into: &buffer)) != nil else { return nil }
        return buffer.bytes
    }

    static let plain = [
        "{}", #"{"a":1}"#, #"{"a":[]}"#, #"{"a":[1,-2,"x",true,false,null,{}]}"#, #"{"":"","é":"ü😀"}"#, #"{"a":0,"b":0.0,"c":-1.5,"d":0.001,"e":9999999.5,"f":1234567.0}"#,
        #"{"a":999999999999999999,"b":-999999999999999999}"#, #"{"a":{"a":{"a":[[[1]]]}}}"#, #"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}"#, "{\"a\":\"\u{7F}\u{FEFF}\u{2028}\"}",
        #"{"id":7,"customer":"customer-7","total":7.25,"note":"order 7 of the day","at":1700000000007}"#, #"{"a":0.123456,"b":-0.5,"c":100.000001}"#,
    ]
    static let other = [
        "", " ", "1", "\"a\"", "[]", "null", " {}", "{} ", "{}{}", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a" :1}"#, #"{"a": 1}"#, "{\n}", #"{"a":[1, 2]}"#, #"{"a":[1,]}"#, #"{"a":1]"#,
        #"{"a":1,"a":2}"#, #"{"b":{"a":1,"a":2}}"#, #"{"a":"\n"}"#, #"{"\u0061":1}"#, #"{"a":"\/"}"#, #"{"a":01}"#, #"{"a":00.5}"#, #"{"a":-0}"#, #"{"a":-0.0}"#, #"{"a":1.0e2}"#, #"{"a":1E2}"#,
        #"{"a":1.50}"#, #"{"a":0.00}"#, #"{"a":0.0001}"#, #"{"a":10000000.5}"#, #"{"a":0.1234567}"#, #"{"a":1000000000000000000}"#, #"{"a":9223372036854775808}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":-}"#,
        #"{"a":tru}"#, #"{"a":nullx}"#, "{\"a\":\"\u{1}\"}", #"{"a":"x}"#, "{'a':1}", "{\"a\":1}\u{0}",
    ]

    @Test(arguments: plain) func whatIsPlainComesOutAsItWent(_ text: String) {
        #expect(isPlain(Array(text.utf8)))
        #expect(written(Array(text.utf8)) == Array(text.utf8))
    }

    @Test(arguments: other) func whatIsNotIsRead(_ text: String) { #expect(!isPlain(Array(text.utf8))) }

    @Test func neitherBrokenTextNorManyOrDeepNames() {
        #expect(!isPlain(Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)))
        #expect(!isPlain(Array("{\"".utf8) + [0xED, 0xA0, 0x80] + Array("\":1}".utf8)))
        #expect(!isPlain(Array(("{" + (0..<40).map { "\"n\($0)\":\($0)" }.joined(separator: ",") + "}").utf8)))
        #expect(!isPlain(Array((String(repeating: "{\"a\":", count: 600) + "1" + String(repeating: "}", count: 600)).utf8)))
    }

    /// With schemas on, what may be an envelope is read, and all that a header or a setting gives a schema.
    @Test func whatHasASchemaIsRead() throws {
        let plain = ByteSlice(Array(#"{"a":{"schema":1}}"#.utf8)), header = RawHeader(SchemaHeaders.value, ByteSlice([0, 0, 0, 0, 0, 0, 0, 1]))
        func isPlain(_ settings: [JSON.Member], _ bytes: ByteSlice, _ headers: [RawHeader] = []) throws -> Bool {
            try #require(try Golden.converter("JsonConverter", .object(settings)) as? JsonConverter).isPlainJSON(bytes, headers: headers)
        }
        #expect(try isPlain([], plain, [RawHeader("other", nil)]))
        #expect(try !isPlain([], plain, [header]))
        #expect(try !isPlain([JSON.Member("schemas.enable", .boolean(true))], plain))
        #expect(try !isPlain([JSON.Member("schema.content", .string(#"{"type":"string"}"#))], plain))
        for text in [#"{"schema":null,"payload":1}"#, #"{"payload":1,"schema":null}"#, #"{"payload":1}"#, #"{"a":1,"schema":2}"#] {
            #expect(try !isPlain([], ByteSlice(Array(text.utf8))))
            #expect(try !isPlain([JSON.Member("schemas.enable", .boolean(false))], ByteSlice(Array(text.utf8))))
        }
    }

    /// Documents made and broken by chance, always the same ones: whatever is called plain keeps the promise.
    @Test func thePromiseHoldsForWhatChanceBreaks() {
        var state: UInt64 = 42
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(limit))
        }
        let pieces = Array(#"{}[],:"0123456789.-eE+tfnul \/ab"#.utf8) + [0xC3, 0xA9, 0x00, 0x0A, 0x7F]
        var plain = 0
        for _ in 0..<20_000 {
            var text = Array(Self.plain[next(Self.plain.count)].utf8)
            for _ in 0..<next(4) {
                let place = next(text.count)
                switch next(3) {
                case 0: text[place] = pieces[next(pieces.count)]
                case 1: text.insert(pieces[next(pieces.count)], at: place)
                default: if text.count > 1 { text.remove(at: place) }
                }
            }
            guard isPlain(text) else { continue }
            plain += 1
            #expect(written(text) == text, "\(String(decoding: text, as: UTF8.self))")
        }
        #expect(plain > 5_000)
    }

    /// Numbers of every length: each of them that is called plain is what Java writes.
    @Test func thePromiseHoldsForNumbers() {
        var plain = 0
        for digits in 1...19 {
            for scale in 0...8 {
                for lead in [1, 9, 0] {
                    let whole = String(lead) + String(repeating: "9", count: digits - 1)
                    let fraction = scale == 0 ? "" : "." + String(repeating: "0", count: scale - 1) + "1"
                    for text in [whole + fraction, "-" + whole + fraction, whole + fraction + "0"] {
                        let bytes = Array("{\"n\":\(text)}".utf8)
                        guard isPlain(bytes) else { continue }
                        plain += 1
                        #expect(written(bytes) == bytes)
                    }
                }
            }
        }
        #expect(plain > 100)
    }
}
