import ConnectRuntime
import Synchronization
import Testing

/// Every type that a database column becomes, and every type that becomes a column, through the default converter and back, with the schema in the
/// record and with schemas kept beside the log.
@Suite struct RoundTripTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let schema: Schema
        let values: [Value]
        var testDescription: String { name }

        init(_ name: String, _ schema: Schema, _ values: [Value]) {
            self.name = name
            self.schema = schema
            self.values = values
        }
    }

    private static func named(_ type: SchemaType, _ name: Name, optional: Bool = true) -> Schema { Schema(type, optional: optional, name: name, version: 1) }

    private static let texts: [Value] = [
        .string(""), .string("plain"), .string("é"), .string("e\u{301}"), .string("quote \" backslash \\ slash / newline \n tab \t null \u{0}"), .string("😀\u{10FFFF}"),
        .string("\u{FEFF}bom"), .string("\u{2028}\u{2029}\u{FFFD}"), .string(String(repeating: "long ", count: 5000)),
    ]
    private static let int64s: [Value] = [.int64(0), .int64(-1), .int64(9_007_199_254_740_993), .int64(.max), .int64(.min)]
    private static let doubles: [Value] = [
        .float64(0), .float64(-0.0), .float64(0.1 + 0.2), .float64(1e300), .float64(-1e-300), .float64(.greatestFiniteMagnitude), .float64(.leastNonzeroMagnitude),
        .float64(.pi), .float64(1e7), .float64(123_456_789.125), .float64(.infinity), .float64(-.infinity), .float64(.nan),
    ]

    static let columns: [Row] = [
        // What SQLite's columns become.
        Row("INTEGER", .plain(.int64, optional: true), int64s),
        Row("BOOLEAN", .plain(.boolean, optional: true), [.boolean(true), .boolean(false)]),
        Row("REAL", .plain(.float64, optional: true), doubles),
        Row("TEXT", .plain(.string, optional: true), texts),
        Row("BLOB", .plain(.bytes, optional: true), [.bytes([]), .bytes([0]), .bytes(Array(0...255)), .bytes([UInt8](repeating: 0xFF, count: 10_001))]),
        Row("no type", named(.string, LogicalType.json), [.string("1"), .string("\"x\""), .string("null")]),
        Row("NUMERIC as text", .plain(.string, optional: true), [.string("12.50"), .string("-0.000000000000000000001")]),
        Row(
            "DECIMAL(p,s)", .decimal(scale: 2, optional: true),
            [.decimal(Decimal(0, scale: 2)), .decimal(Decimal(-1, scale: 2)), .decimal(Decimal(.max, scale: 2)), .decimal(Decimal(.min, scale: 2))]
                + ["123456789012345678901234567890123456.78", "-99999999999999999999999999999999999999.99"].compactMap { Decimal($0).map { .decimal($0) } }),
        Row("DATE", .date(optional: true), [.date(0), .date(-1), .date(19_675), .date(.max), .date(.min)]),
        Row("TIME", .time(optional: true), [.time(0), .time(3_723_004), .time(86_399_999), .time(86_400_000)]),
        Row("DATETIME", .timestamp(optional: true), [.timestamp(0), .timestamp(-1), .timestamp(1_700_000_000_123), .timestamp(.max), .timestamp(.min)]),
        Row("JSON", named(.string, LogicalType.json), [.string("{\"a\": [1, 2.50]}"), .string("[]")]),
        Row("UUID", named(.string, LogicalType.uuid), [.string("00000000-0000-0000-0000-000000000000")]),
        // What becomes a column.
        Row("INT8", .plain(.int8, optional: true), [.int8(.min), .int8(.max), .int8(0)]),
        Row("INT16", .plain(.int16, optional: true), [.int16(.min), .int16(.max), .int16(0)]),
        Row("INT32", .plain(.int32, optional: true), [.int32(.min), .int32(.max), .int32(0)]),
        Row("FLOAT32", .plain(.float32, optional: true), [.float32(0), .float32(-0.0), .float32(0.1), .float32(.greatestFiniteMagnitude), .float32(.leastNonzeroMagnitude)]),
        Row("decimal of negative scale", .decimal(scale: -3, optional: true), [.decimal(Decimal(7, scale: -3)), .decimal(Decimal(0, scale: -3))]),
        Row("decimal of large scale", .decimal(scale: 30, optional: true), [.decimal(Decimal(7, scale: 30)), .decimal(Decimal(.min, scale: 30))]),
        Row("MicroTime", named(.int64, LogicalType.microTime), [.int64(86_399_999_999)]),
        Row("MicroTimestamp", named(.int64, LogicalType.microTimestamp), int64s),
        Row("ZonedTimestamp", named(.string, LogicalType.zonedTimestamp), [.string("2024-02-29T23:59:59.999999Z")]),
        Row("Xml", named(.string, LogicalType.xml), [.string("<a b=\"c\">&amp;</a>")]),
        Row("Bits", named(.bytes, LogicalType.bits), [.bytes([0x80, 0x01])]),
        Row("Enum", Schema(.string, optional: true, name: LogicalType.enumeration, version: 1, parameters: [.init("allowed", "a,b")]), [.string("a")]),
        Row("ARRAY", .array(of: .plain(.string, optional: true), optional: true), [.array([]), .array([.string("a"), .null, .string("\"")])]),
        Row("ARRAY of ARRAY", .array(of: .array(of: .plain(.int32)), optional: true), [.array([.array([]), .array([.int32(1), .int32(2)])])]),
        Row(
            "MAP", .map(keys: .plain(.string), values: .plain(.int32, optional: true), optional: true),
            [.map([]), .map([.init(key: .string("b"), value: .int32(1)), .init(key: .string("a"), value: .null), .init(key: .string("é"), value: .int32(2)), .init(key: .string("e\u{301}"), value: .int32(3))])]),
        Row(
            "MAP with other keys", .map(keys: .plain(.int64), values: .plain(.string), optional: true),
            [.map([.init(key: .int64(.min), value: .string("x")), .init(key: .int64(1), value: .string("y"))])]),
        Row("STRUCT", nested, [.structure(Struct(nested, [.int64(1), .string("x"), .structure(Struct(inner, [.decimal(Decimal(1, scale: 2))]))])), .structure(Struct(nested, [.int64(2), .null, .null]))]),
        Row("VariableScaleDecimal", variable, [.structure(Struct(variable, [.int32(3), .bytes([1, 2])]))]),
        Row("empty STRUCT", .structure("Empty", optional: true, fields: []), [.structure(Struct(.structure("Empty", optional: true, fields: []), []))]),
    ]

    private static let inner = Schema(
        .structure, optional: true, name: "Inner", version: 3, documentation: "with \"doc\"", parameters: [.init("k", "v"), .init("ä", "")],
        fields: [.init("total", .decimal(scale: 2))])
    private static let nested = Schema.structure(
        "Outer", optional: true, fields: [.init("id", .plain(.int64)), .init("na\"me\\", .plain(.string, optional: true)), .init("inner", inner)])
    private static let variable = Schema.structure(
        LogicalType.variableScaleDecimal, optional: true, version: 1, fields: [.init("scale", .plain(.int32)), .init("value", .plain(.bytes))])

    private static let settings: [[JSON.Member]] = [[], [JSON.Member("decimal.format", .string("NUMERIC"))], [JSON.Member("decimal.format", .string("BASE64"))]]

    @Test(arguments: columns)
    func throughTheEnvelope(_ row: Row) throws {
        for setting in Self.settings {
            let writer = try Golden.converter("JsonConverter", .object(setting)), reader = try Golden.converter("JsonConverter")
            for value in row.values + [.null] {
                let bytes = try #require(try writer.bytes(row.schema, value))
                let back = try reader.deserialize(topic: "t", headers: [], bytes: ByteSlice(bytes))
                #expect(back.schema == row.schema)
                #expect(back.value == value)
            }
        }
    }

    @Test(arguments: columns)
    func withKeptSchemas(_ row: Row) throws {
        for setting in Self.settings {
            for role in [ConverterContext.Role.key, .value] {
                let schemas = MemorySchemas()
                let context = ConverterContext(role: role, schemas: schemas)
                let writer = try Golden.converter("JsonConverter", .object(setting), context: context)
                let reader = try Golden.converter("JsonConverter", context: context)
                var objects: Set<ObjectIdentifier> = []
                for value in row.values + [.null] {
                    var buffer = ByteBuffer(), headers: [RawHeader] = []
                    let isValue = try writer.serialize(topic: "t", headers: &headers, schema: row.schema, value: value, into: &buffer)
                    #expect(isValue)
                    #expect(headers.map(\.name) == [context.schemaHeader])
                    let back = try reader.deserialize(topic: "t", headers: headers, bytes: ByteSlice(buffer.bytes))
                    #expect(back.schema == row.schema)
                    #expect(back.value == value)
                    if let schema = back.schema { objects.insert(ObjectIdentifier(schema)) }
                }
                #expect(objects.count == 1, "equal schemas come back as one object")
                #expect(schemas.announced.count == 1)
            }
        }
    }

    /// One schema of each kind, with a value of it.
    private static let kinds: [(schema: Schema, value: Value)] = [
        (.plain(.int8), .int8(1)), (.plain(.int16), .int16(1)), (.plain(.int32), .int32(1)), (.plain(.int64), .int64(1)), (.plain(.float32), .float32(1)),
        (.plain(.float64), .float64(1)), (.plain(.boolean), .boolean(true)), (.plain(.string), .string("1")), (.plain(.bytes), .bytes([1])),
        (.decimal(scale: 0), .decimal(Decimal(1, scale: 0))), (.date(), .date(1)), (.time(), .time(1)), (.timestamp(), .timestamp(1)),
        (.array(of: .plain(.int32)), .array([.int32(1)])), (.map(keys: .plain(.string), values: .plain(.int32)), .map([.init(key: .string("1"), value: .int32(1))])),
        (.map(keys: .plain(.int32), values: .plain(.int32)), .map([.init(key: .int32(1), value: .int32(1))])), (inner, .structure(Struct(inner, [.decimal(Decimal(1, scale: 2))]))),
    ]

    /// Also one that would fit: an INT32 is no INT64.
    @Test func aValueOfAnotherKindThanItsSchemasIsRefused() throws {
        let converter = try Golden.converter("JsonConverter")
        for (row, kind) in Self.kinds.enumerated() {
            for (column, other) in Self.kinds.enumerated() {
                let field = Schema.structure("Row", fields: [.init("f", kind.schema)])
                if row == column {
                    #expect(try converter.bytes(field, .structure(Struct(field, [other.value]))) != nil)
                } else {
                    let error = #expect(throws: ConnectError.self) { try converter.bytes(field, .structure(Struct(field, [other.value]))) }
                    #expect(error?.kind == .data)
                    #expect(error?.message.hasPrefix("field \"f\"") == true)
                }
            }
        }
    }

    @Test func integersOfEachLength() throws {
        let converter = try Golden.converter("JsonConverter", .object([JSON.Member("schemas.enable", .boolean(false))]))
        var power: Int64 = 1
        var numbers: [Int64] = [0, .min, .max]
        while true {
            numbers += [power - 1, power, power + 1, -power, 1 - power]
            let (next, overflow) = power.multipliedReportingOverflow(by: 10)
            if overflow { break }
            power = next
        }
        for number in numbers {
            #expect(try converter.bytes(.plain(.int64), .int64(number)) == Array(String(number).utf8))
        }
    }

    /// What needs an escape may stand at any place of the eight bytes that are looked at together, and of the fewer at the end.
    @Test func textsOfEachLengthAreEscapedAtEachPlace() throws {
        let converter = try Golden.converter("JsonConverter", .object([JSON.Member("schemas.enable", .boolean(false))]))
        let escapes: [(text: String, json: String)] = [
            ("", ""), ("\"", "\\\""), ("\\", "\\\\"), ("\n", "\\n"), ("\u{1}", "\\u0001"), ("\u{1F}", "\\u001F"), ("\u{7F}", "\u{7F}"), ("é", "é"), ("€", "€"),
            ("😀", "\\uD83D\\uDE00"), ("\"\"", "\\\"\\\""), ("😀\"😀", "\\uD83D\\uDE00\\\"\\uD83D\\uDE00"),
        ]
        for length in 0...26 {
            for place in 0...length {
                for escape in escapes {
                    let before = String(repeating: "a", count: place), after = String(repeating: "z", count: length - place)
                    let bytes = try #require(try converter.bytes(.plain(.string), .string(before + escape.text + after)))
                    #expect(String(decoding: bytes, as: UTF8.self) == "\"\(before)\(escape.json)\(after)\"")
                }
            }
        }
    }

    @Test(arguments: columns)
    func schemasAsJSON(_ row: Row) throws {
        let bytes = try SchemaJSON.canonical(row.schema)
        let back = try SchemaJSON.parse(bytes)
        #expect(back == row.schema)
        #expect(try SchemaJSON.canonical(back) == bytes)
    }

    /// As one record of all columns, in the order of fields and in another, with members the schema does not know.
    @Test func allInOneRecord() throws {
        let schema = Schema.structure("All", fields: Self.columns.map { Schema.Field(Name($0.name), $0.schema) })
        let converter = try Golden.converter("JsonConverter")
        for position in 0..<10 {
            let value = Value.structure(Struct(schema, Self.columns.map { $0.values[position % $0.values.count] }))
            let bytes = try #require(try converter.bytes(schema, value))
            #expect(try converter.deserialize(topic: "t", headers: [], bytes: ByteSlice(bytes)).value == value)
            let json = try JSON.parse(bytes)
            let members = try #require(json["payload"]?.members)
            let shuffled = JSON.object([
                JSON.Member("payload", .object([JSON.Member("unknown", .array([.object(members), .null]))] + members.reversed())), JSON.Member("schema", json["schema"] ?? .null),
            ])
            #expect(try converter.deserialize(topic: "t", headers: [], bytes: ByteSlice(shuffled.serialized())).value == value)
        }
    }
}

/// Kept schemas in memory.
final class MemorySchemas: ConverterSchemas {
    private let storage = Mutex<[StoredSchema]>([])
    var announced: [StoredSchema] { storage.withLock { $0 } }
    func use(_ schema: StoredSchema) { storage.withLock { $0.append(schema) } }
    func schema(_ id: SchemaID) throws -> [UInt8] {
        guard let found = announced.first(where: { $0.id == id }) else { throw ConnectError(.data, code: "test.unknown_schema", "unknown schema") }
        return found.json
    }
}
