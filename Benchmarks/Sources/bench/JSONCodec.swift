import ConnectRuntime

/// A row as a record: what the JSON benchmarks write and read.
enum SampleRow {
    static let schema = Schema.structure(
        "orders.Value",
        fields: [
            Schema.Field("id", .plain(.int64)), Schema.Field("customer", .plain(.string, optional: true)), Schema.Field("total", .plain(.float64, optional: true)),
            Schema.Field("note", .plain(.string, optional: true)), Schema.Field("at", .plain(.int64, optional: true)),
        ])

    static func value(_ number: Int) -> Value {
        .structure(
            Struct(
                schema,
                [
                    .int64(Int64(number)), .string("customer-\(number % 1000)"), .float64(Double(number % 100_000) / 100),
                    .string("order \(number) of the day, to be delivered by bicycle \"before noon\""), .int64(1_700_000_000_000 + Int64(number)),
                ]))
    }

    /// A converter as the embedded log uses it: plain JSON, the schema named in a header.
    static func converter(_ schemas: any ConverterSchemas) throws -> JsonConverter {
        let converter = JsonConverter()
        guard let plugin = BuiltInConverters.plugins.first else { throw Wrong("no converter") }
        try converter.configure(try plugin.definition.parsed(ConfigMap()), context: ConverterContext(role: .value, schemas: schemas))
        return converter
    }
}

/// Keeps schemas as a log does. `@unchecked Sendable`: one thread uses it, the benchmark's.
private final class KeptSchemas: ConverterSchemas, @unchecked Sendable {
    private var kept: [SchemaID: [UInt8]] = [:]
    func use(_ schema: StoredSchema) { kept[schema.id] = schema.json }
    func schema(_ id: SchemaID) throws -> [UInt8] {
        guard let json = kept[id] else { throw Wrong("no schema \(id.value)") }
        return json
    }
}

struct JSONEncode: Benchmark {
    let name = "JSON record encode (5 fields)"
    let floorName: String? = nil
    let target: Double? = nil

    func measure(in folder: String) throws -> Measurement {
        let converter = try SampleRow.converter(KeptSchemas())
        let values = (0..<1000).map(SampleRow.value)
        var bytes = ByteBuffer(capacity: 1 << 20)
        let seconds = try timed {
            for _ in 0..<1000 {
                bytes.removeAll()
                for value in values {
                    var headers: [RawHeader] = []
                    _ = try converter.serialize(topic: "orders", headers: &headers, schema: SampleRow.schema, value: value, into: &bytes)
                }
            }
        }
        let text = String(decoding: bytes.bytes, as: UTF8.self)
        let expected = #"{"id":999,"customer":"customer-999","total":9.99,"note":"order 999 of the day, to be delivered by bicycle \"before noon\"","at":1700000000999}"#
        guard text.hasSuffix(expected) else { throw Wrong("encoded \(text.suffix(200))") }
        return Measurement(records: 1_000_000, seconds: seconds, floorSeconds: nil)
    }
}

struct JSONDecode: Benchmark {
    let name = "JSON record decode (5 fields)"
    let floorName: String? = nil
    let target: Double? = nil

    func measure(in folder: String) throws -> Measurement {
        let schemas = KeptSchemas()
        let converter = try SampleRow.converter(schemas)
        var records: [(headers: [RawHeader], bytes: ByteSlice)] = []
        for number in 0..<1000 {
            var headers: [RawHeader] = [], bytes = ByteBuffer(capacity: 256)
            _ = try converter.serialize(topic: "orders", headers: &headers, schema: SampleRow.schema, value: SampleRow.value(number), into: &bytes)
            records.append((headers, ByteSlice(Array(bytes.bytes))))
        }
        let reader = try SampleRow.converter(schemas)
        var last: SchemaAndValue?
        let seconds = try timed {
            for _ in 0..<1000 {
                for record in records { last = try reader.deserialize(topic: "orders", headers: record.headers, bytes: record.bytes) }
            }
        }
        guard last?.value == SampleRow.value(999) else { throw Wrong("decoded \(String(describing: last))") }
        return Measurement(records: 1_000_000, seconds: seconds, floorSeconds: nil)
    }
}
