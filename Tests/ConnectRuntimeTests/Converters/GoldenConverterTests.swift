import ConnectRuntime
import Testing

@Suite struct GoldenConverterTests {
    /// Where we differ from Connect on purpose.
    private static func deviates(_ json: JSON) -> Bool {
        // A lone surrogate: Swift's text, databases and UTF-8 have no form for it; replacing it would change the value unseen, so it is refused.
        json["bytes"]?.text == "\"\\ud83d\""
    }

    @Test(arguments: try Golden.cases("json-converter.jsonl"))
    func jsonConverter(_ golden: Golden.Case) throws {
        let expected = try #require(golden.json["result"])
        if let message = expected["error"]?.text {
            #expect(throws: ConnectError.self, "\(message)") {
                let converter = try Golden.converter("JsonConverter", golden.json["config"])
                let value = try converter.read(golden.json["bytes"]?.text)
                _ = try converter.bytes(value.schema, value.value)
            }
            return
        }
        let converter = try Golden.converter("JsonConverter", golden.json["config"])
        if Self.deviates(golden.json) {
            #expect(throws: ConnectError.self) { try converter.read(golden.json["bytes"]?.text) }
            return
        }
        let value = try converter.read(golden.json["bytes"]?.text)
        #expect(value.schema.map(Self.typeWord) == expected["schemaType"]?.text)
        #expect(value.schema?.name?.text == expected["schemaName"]?.text)
        #expect(Self.javaClass(value.value) == expected["javaClass"]?.text)
        #expect(try converter.text(value) == expected["bytesBack"]?.text)
    }

    /// Connect notices text and bytes of the wrong kind only when it writes them again; we say it at once.
    private static func hasMessage(_ json: JSON) -> Bool {
        json["result"]?["error"]?.text == "DataException" && json["result"]?["message"]?.text?.hasPrefix("Conversion error: null value") != true
    }

    /// The messages that people search for are Connect's.
    @Test(arguments: try Golden.cases("json-converter.jsonl", where: hasMessage)) func jsonConverterMessages(_ golden: Golden.Case) throws {
        let message = try #require(golden.json["result"]?["message"]?.text)
        let converter = try Golden.converter("JsonConverter", golden.json["config"])
        let error = #expect(throws: ConnectError.self) { try converter.read(golden.json["bytes"]?.text) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.kind == .data)
    }

    private static func typeWord(_ schema: Schema) -> String {
        switch schema.type {
        case .float32: "float32"
        case .float64: "float64"
        default: schema.type.rawValue
        }
    }

    private static func javaClass(_ value: Value) -> String? {
        switch value {
        case .null: nil
        case .boolean: "Boolean"
        case .int8: "Byte"
        case .int16: "Short"
        case .int32: "Integer"
        case .int64: "Long"
        case .float32: "Float"
        case .float64: "Double"
        case .string: "String"
        case .bytes: "byte[]"
        case .decimal: "BigDecimal"
        case .date, .time, .timestamp: "Date"
        case .array: "ArrayList"
        case .map: "HashMap"
        case .structure: "Struct"
        }
    }

    @Test(arguments: try Golden.cases("string-converter.jsonl"))
    func stringConverter(_ golden: Golden.Case) throws {
        let value = try Golden.value(golden.json["value"])
        let text = try Golden.converter("StringConverter").text(value)
        // Java shows the address of a byte array; we write its Base64.
        let expected = golden.json["result"]?.text?.replacing("[B@1dc2de84", with: "AQID")
        if case .map = value.value {
            // Java's hash order against the order in which it was written: the same entries.
            #expect(Self.parts(text) == Self.parts(expected))
        } else {
            #expect(text == expected)
        }
    }

    private static func parts(_ text: String?) -> [String] {
        (text ?? "").split { "{}[], ".contains($0) }.map(String.init).sorted()
    }
}
