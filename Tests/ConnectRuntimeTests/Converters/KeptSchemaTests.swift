import ConnectRuntime
import Testing

/// The rules of reading and writing where the log keeps schemas (D14), null and tombstone included.
@Suite struct KeptSchemaTests {
    private let schemas = MemorySchemas()

    private func converter(_ settings: KeyValuePairs<String, String> = [:], role: ConverterContext.Role = .value) throws -> any Converter {
        try Golden.converter(
            "JsonConverter", .object(settings.map { JSON.Member($0.key, .string($0.value)) }), context: ConverterContext(role: role, schemas: schemas))
    }

    private func write(_ converter: any Converter, _ schema: Schema?, _ value: Value) throws -> (text: String?, headers: [RawHeader]) {
        var buffer = ByteBuffer(), headers: [RawHeader] = []
        let isValue = try converter.serialize(topic: "t", headers: &headers, schema: schema, value: value, into: &buffer)
        return (isValue ? String(decoding: buffer.bytes, as: UTF8.self) : nil, headers)
    }

    @Test func theBytesArePlainAndTheHeaderNamesTheSchema() throws {
        let schema = Schema.structure("S", fields: [.init("a", .plain(.int32)), .init("d", .decimal(scale: 2))])
        let value = Value.structure(Struct(schema, [.int32(1), .decimal(Decimal(250, scale: 2))]))
        let (text, headers) = try write(try converter(), schema, value)
        #expect(text == "{\"a\":1,\"d\":2.50}")
        #expect(headers.map(\.name) == ["__value.schema"])
        #expect(headers.first.flatMap { SchemaHeaders.id(in: $0) } == SchemaJSON.address(of: try SchemaJSON.canonical(schema)))
        #expect(try write(try converter(role: .key), schema, value).headers.map(\.name) == ["__key.schema"])
        #expect(try write(try converter(["decimal.format": "base64"]), schema, value).text == "{\"a\":1,\"d\":\"APo=\"}")
    }

    /// What is written for null: Connect's matrix.
    @Test(arguments: [
        (Schema?.none, nil, nil), (.plain(.int32, optional: true), "null", "null"), (Schema(.int32, default: .int32(9)), "9", "9"),
        (Schema(.int32, optional: true, default: .int32(9)), "9", "9"),
    ] as [(Schema?, String?, String?)])
    func nulls(schema: Schema?, kept: String?, schemaless: String?) throws {
        #expect(try write(try converter(), schema, .null).text == kept)
        #expect(try write(try converter(["schemas.enable": "false"]), schema, .null).text == schemaless)
        let plain = try Golden.converter("JsonConverter")
        let envelope = try plain.bytes(schema, .null)
        if let schema, let kept {
            let written = String(decoding: try SchemaJSON.canonical(schema), as: UTF8.self)
            #expect(envelope.map { String(decoding: $0, as: UTF8.self) } == "{\"schema\":\(written),\"payload\":\(kept)}")
        } else {
            #expect(envelope == nil)
        }
    }

    @Test func nullsThatAreErrors() throws {
        for settings in [[:], ["schemas.enable": "false"]] as [KeyValuePairs<String, String>] {
            #expect(throws: ConnectError.self) { try write(try converter(settings), .plain(.int32), .null) }
        }
        let keeps = try converter(["replace.null.with.default": "false"])
        #expect(throws: ConnectError.self) { try write(keeps, Schema(.int32, default: .int32(9)), .null) }
        #expect(try write(keeps, Schema(.int32, optional: true, default: .int32(9)), .null).text == "null")
    }

    @Test func reading() throws {
        let schema = Schema.plain(.int32, optional: true)
        let (text, headers) = try write(try converter(), schema, .int32(5))
        func read(_ settings: KeyValuePairs<String, String>, _ text: String?, _ headers: [RawHeader]) throws -> SchemaAndValue {
            try converter(settings).deserialize(topic: "t", headers: headers, bytes: text.map { ByteSlice(Array($0.utf8)) })
        }
        #expect(try read([:], text, headers) == SchemaAndValue(schema: schema, value: .int32(5)))
        #expect(try read(["schemas.enable": "true"], text, headers) == SchemaAndValue(schema: schema, value: .int32(5)))
        #expect(try read(["schemas.enable": "false"], text, headers) == SchemaAndValue(value: .int64(5)))
        #expect(try read([:], "null", headers) == SchemaAndValue(schema: schema, value: .null), "a typed null")
        #expect(try read([:], nil, headers) == .null, "a tombstone")
        // Without the header.
        #expect(try read([:], "5", []) == SchemaAndValue(value: .int64(5)))
        #expect(try read([:], "{\"schema\":{\"type\":\"int32\",\"optional\":true},\"payload\":5}", []) == SchemaAndValue(schema: schema, value: .int32(5)))
        #expect(try read([:], "{\"payload\":5,\"schema\":null}", []) == SchemaAndValue(value: .int64(5)))
        #expect(throws: ConnectError.self) { try read(["schemas.enable": "true"], "5", []) }
        #expect(throws: ConnectError.self) { try read([:], "", []) }
        // The other role's header is none of its business; a damaged one is an error.
        #expect(try read([:], "5", [RawHeader("__key.schema", headers[0].value)]) == SchemaAndValue(value: .int64(5)))
        #expect(throws: ConnectError.self) { try read([:], "5", [RawHeader("__value.schema", ByteSlice([1, 2]))]) }
        #expect(throws: ConnectError.self) { try read([:], "5", [RawHeader("__value.schema", ByteSlice([UInt8](repeating: 7, count: 8)))]) }
    }

    /// Schemaless data that looks like an envelope must come back as it was.
    @Test func schemalessLookAlikes() throws {
        let value = Value.map([.init(key: .string("schema"), value: .string("public")), .init(key: .string("payload"), value: .int64(1))])
        for settings in [[:], ["schemas.enable": "true"], ["schemas.enable": "false"]] as [KeyValuePairs<String, String>] {
            let converter = try converter(settings)
            let (text, headers) = try write(converter, nil, value)
            #expect(headers.isEmpty)
            #expect(try converter.read(text) == SchemaAndValue(value: value))
        }
        #expect(try write(try converter(), nil, .int64(1)).text == "1")
    }

    /// Envelopes that begin alike but hold more, in any of the shapes that a quick comparison could mistake.
    @Test func envelopesThatBeginAlike() throws {
        let converter = try converter(["schemas.enable": "true"])
        let start = "{\"schema\":{\"type\":\"int32\",\"optional\":false},\"payload\":"
        #expect(try converter.read(start + "1}").value == .int32(1))
        #expect(try converter.read(start + "2 }").value == .int32(2))
        #expect(try converter.read(start + "3,\"schema\":{\"type\":\"string\"},\"payload\":\"x\"}").value == .string("x"))
        #expect(throws: ConnectError.self) { try converter.read(start + "4,\"more\":1}") }
        #expect(throws: ConnectError.self) { try converter.read(start) }
        #expect(throws: ConnectError.self) { try converter.read(start + "5") }
        #expect(try converter.read(start + "6}").value == .int32(6))
    }

    @Test func aFixedSchema() throws {
        let converter = try converter(["schemas.enable": "true", "schema.content": "{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\"}]}"])
        for text in ["{\"a\":1}", "{\"schema\":{\"type\":\"string\"},\"payload\":{\"a\":1}}"] {
            let value = try converter.read(text)
            #expect(value.schema?.fields.map(\.name) == ["a"])
            guard case .structure(let structure) = value.value else { throw GoldenError(message: "no struct") }
            #expect(structure.values == [.int8(1)])
        }
        #expect(throws: ConnectError.self) { try self.converter(["schemas.enable": "false", "schema.content": "{\"type\":\"int8\"}"]) }
        #expect(throws: ConnectError.self) { try self.converter(["schema.content": "{\"type\":\"int9\"}"]) }
    }

    @Test func cachesAreBounded() throws {
        let converter = try converter(["schemas.cache.size": "2"])
        for round in 0..<3 {
            for version in 0..<5 as Range<Int32> {
                let schema = Schema(.int32, name: "S", version: version)
                let (text, headers) = try write(converter, schema, .int32(Int32(round)))
                #expect(try converter.deserialize(topic: "t", headers: headers, bytes: text.map { ByteSlice(Array($0.utf8)) }) == SchemaAndValue(schema: schema, value: .int32(Int32(round))))
            }
        }
    }

    @Test func aValueOfAnotherTypeNamesItsField() throws {
        let inner = Schema.structure("I", fields: [.init("b", .plain(.int32))])
        let schema = Schema.structure("S", fields: [.init("a", inner)])
        let error = #expect(throws: ConnectError.self) {
            try write(try converter(), schema, .structure(Struct(schema, [.structure(Struct(inner, [.string("x")]))])))
        }
        #expect(error?.message.hasPrefix("field \"a.b\": ") == true, "\(error?.message ?? "")")
        #expect(error?.kind == .data)
        let read = #expect(throws: ConnectError.self) {
            try Golden.converter("JsonConverter").read("{\"schema\":\(String(decoding: try SchemaJSON.canonical(schema), as: UTF8.self)),\"payload\":{\"a\":{\"b\":null}}}")
        }
        #expect(read?.message.hasPrefix("field \"a.b\": ") == true, "\(read?.message ?? "")")
    }

    @Test func hostileValuesEndInErrors() throws {
        let converter = try converter()
        let decimal = try Golden.converter("JsonConverter", .object([JSON.Member("schema.content", .string("{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":\"2\"}}"))]))
        for text in [String(repeating: "[", count: 100_000), "{\"a\":" + String(repeating: "{\"b\":", count: 10_000), "\"" + String(repeating: "\\", count: 9), "[1e", "{\"a\" 1}", "tru"] {
            #expect(throws: ConnectError.self) { try converter.read(text) }
        }
        for text in [String(repeating: "9", count: 1_000_000), "1e2000000000", "1e-2000000000", "0.001", "1E+999999999999"] {
            #expect(throws: ConnectError.self) { try decimal.read(text) }
        }
        #expect(try decimal.read("1E+3").value == .decimal(Decimal(100_000, scale: 2)))
        #expect(try converter.read("1e999999999999").value == .float64(.infinity))
        #expect(try converter.read(String(repeating: "9", count: 100_000)).value != .null)
    }
}

@Suite struct SmallConverterTests {
    @Test(arguments: [
        ("ShortConverter", Value.int16(-2), [0xFF, 0xFE]), ("IntegerConverter", .int32(258), [0, 0, 1, 2]), ("LongConverter", .int64(.min), [0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("FloatConverter", .float32(1.5), [0x3F, 0xC0, 0, 0]), ("DoubleConverter", .float64(-0.0), [0x80, 0, 0, 0, 0, 0, 0, 0]), ("BooleanConverter", .boolean(true), [1]),
        ("ByteArrayConverter", .bytes([0, 255]), [0, 255]), ("StringConverter", .string("é😀"), Array("é😀".utf8)),
    ] as [(String, Value, [UInt8])])
    func bothWays(name: String, value: Value, bytes: [UInt8]) throws {
        let converter = try Golden.converter(name)
        #expect(try converter.bytes(nil, value) == bytes)
        let back = try converter.deserialize(topic: "t", headers: [], bytes: ByteSlice(bytes))
        #expect(back.value == value)
        #expect(back.schema?.isOptional == true)
        #expect(try converter.bytes(back.schema, back.value) == bytes)
        #expect(try converter.bytes(nil, .null) == nil)
        #expect(try converter.deserialize(topic: "t", headers: [], bytes: nil).value == .null)
    }

    @Test(arguments: ["ShortConverter", "IntegerConverter", "LongConverter", "FloatConverter", "DoubleConverter", "BooleanConverter", "ByteArrayConverter"])
    func wrongTypesAndLengths(name: String) throws {
        let converter = try Golden.converter(name)
        #expect(throws: ConnectError.self) { try converter.bytes(nil, .array([])) }
        #expect(throws: ConnectError.self) { try converter.bytes(.plain(.map), .null) }
        if name != "ByteArrayConverter" {
            for bytes in [[], [1, 2, 3]] as [[UInt8]] {
                #expect(throws: ConnectError.self) { try converter.deserialize(topic: "t", headers: [], bytes: ByteSlice(bytes)) }
            }
        }
    }

    @Test func encodings() throws {
        func converter(_ encoding: String) throws -> any Converter { try Golden.converter("StringConverter", .object([JSON.Member("converter.encoding", .string(encoding))])) }
        #expect(try converter("ISO-8859-1").bytes(nil, .string("é")) == [0xE9])
        #expect(try converter("latin1").deserialize(topic: "t", headers: [], bytes: ByteSlice([0xE9])).value == .string("é"))
        #expect(throws: ConnectError.self) { try converter("US-ASCII").bytes(nil, .string("é")) }
        #expect(throws: ConnectError.self) { try converter("UTF-7") }
        #expect(throws: ConnectError.self) { try converter("UTF-8").deserialize(topic: "t", headers: [], bytes: ByteSlice([0xFF])) }
    }
}
