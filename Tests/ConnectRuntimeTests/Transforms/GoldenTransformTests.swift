import ConnectRuntime
import Foundation
import Testing

@Suite struct GoldenTransformTests {
    @Test(arguments: try Golden.cases("transforms.jsonl"))
    func transform(_ golden: Golden.Case) throws {
        let type = try #require(golden.json["type"]?.text)
        let plugin = try #require(BuiltInTransforms.plugins.first { $0.className.text == "org.apache.kafka.connect.transforms.\(type)" })
        guard case .transform(let make) = plugin.factory else { throw GoldenError(message: "no transform") }
        let transform = make()
        let expected = golden.json["result"]
        let error = expected?["error"]?.text
        if expected?["at"]?.text == "configure" {
            let thrown = #expect(throws: ConnectError.self) {
                try transform.configure(try Golden.config(golden.json["config"], plugin.definition))
            }
            #expect(thrown?.kind == .configuration)
            return
        }
        try transform.configure(try Golden.config(golden.json["config"], plugin.definition))
        var batch = RecordBatch([try GoldenRecords.entry(try #require(golden.json["record"]?.text))])
        let before = batch.entries[0].record
        let exceptions = transform.apply(to: &batch.entries, at: [0])
        if error != nil {
            let result = try #require(exceptions.first?.result)
            let thrown = #expect(throws: ConnectError.self) { try result.get() }
            #expect(thrown?.kind == .data)
            #expect(batch.entries[0].record == before, "a record that failed is left as it was")
        } else if expected == .null {
            #expect(exceptions.count == 1)
            if case .success(.drop) = exceptions.first?.result {} else { Issue.record("not dropped") }
        } else {
            #expect(exceptions.isEmpty)
            let record = try GoldenRecords.json(batch.entries[0].record)
            #expect(Self.sorted(record).serializedText == Self.sorted(try #require(expected)).serializedText)
        }
    }

    @Test(arguments: try Golden.cases("predicates.jsonl"))
    func predicate(_ golden: Golden.Case) throws {
        let type = try #require(golden.json["type"]?.text)
        let plugin = try #require(BuiltInPredicates.plugins.first { $0.className.text.hasSuffix(".\(type)") })
        guard case .predicate(let make) = plugin.factory else { throw GoldenError(message: "no predicate") }
        let predicate = make()
        guard case .boolean(let expected) = golden.json["result"] else {
            #expect(throws: ConnectError.self) { try predicate.configure(try Golden.config(golden.json["config"], plugin.definition)) }
            return
        }
        try predicate.configure(try Golden.config(golden.json["config"], plugin.definition))
        let entry = try GoldenRecords.entry(try #require(golden.json["record"]?.text))
        #expect(try predicate.test(entry.record) == expected)
    }

    /// Members in one order: Java's maps have none.
    private static func sorted(_ json: JSON) -> JSON {
        switch json {
        case .object(let members):
            .object(members.map { JSON.Member($0.name.text, sorted($0.value)) }.sorted { $0.name < $1.name })
        case .array(let elements): .array(elements.map(sorted))
        default: json
        }
    }
}

/// The named records of the golden files.
enum GoldenRecords {
    private static let records: JSON? = {
        guard let bytes = try? Data(contentsOf: Golden.folder.appendingPathComponent("records.json")) else { return nil }
        return try? JSON.parse([UInt8](bytes))
    }()

    static func entry(_ name: String) throws -> RecordBatch.Entry {
        guard let json = records?[Name(name)] else { throw GoldenError(message: "no record \(name)") }
        let key = try value(json["key"]), value = try value(json["value"])
        let headers = try (json["headers"]?.elements ?? []).map { header in
            let content = try self.value(header["value"])
            return Header(Name(header["name"]?.text ?? ""), schema: content.schema, value: content.value)
        }
        let partition = Int32(json["partition"]?.int64 ?? 0)
        let record = Record(
            topic: Name(json["topic"]?.text ?? "orders"), partition: partition, keySchema: key.schema, key: key.value, valueSchema: value.schema,
            value: value.value, timestamp: json["timestamp"]?.int64, headers: headers)
        var records = RecordSet()
        records.addRange(offset: json["offset"]?.int64 ?? 42, timestamp: record.timestamp ?? -1, key: nil, value: nil)
        let consumed = ConsumedRecords(
            topicPartition: TopicPartition(record.topic, partition), topicID: try #require(TopicID([UInt8](repeating: 1, count: 16))), leaderEpoch: 0, records: records, nextOffset: 43)
        return RecordBatch.Entry(record: record, origin: .log(LogOrigin(source: consumed, index: 0)))
    }

    /// As the recorder read them: null stays null where a field has a default.
    private static func value(_ json: JSON?) throws -> SchemaAndValue {
        guard let json, json != .null else { return .null }
        let isEnvelope = json["schema"] != nil
        let config = JSON.object([
            JSON.Member("schemas.enable", .boolean(isEnvelope)), JSON.Member("replace.null.with.default", .boolean(false)),
        ])
        return try Golden.converter("JsonConverter", config).deserialize(topic: "t", headers: [], bytes: ByteSlice(json.serialized()))
    }

    static func json(_ record: Record) throws -> JSON {
        .object([
            JSON.Member("topic", .string(record.topic.text)), JSON.Member("partition", record.partition.map { .integer(Int64($0)) } ?? .null),
            JSON.Member("timestamp", record.timestamp.map { .integer($0) } ?? .null),
            JSON.Member("key", try json(record.keySchema, record.key)), JSON.Member("value", try json(record.valueSchema, record.value)),
            JSON.Member(
                "headers",
                .array(
                    try record.headers.map {
                        .object([JSON.Member("name", .string($0.name.text)), JSON.Member("value", try json($0.schema, $0.value))])
                    })),
        ])
    }

    private static func json(_ schema: Schema?, _ value: Value) throws -> JSON {
        // The recorder wrote defaults in place of nulls.
        let config = JSON.object([JSON.Member("schemas.enable", .boolean(schema != nil))])
        guard let bytes = try Golden.converter("JsonConverter", config).bytes(schema, value) else { return .null }
        return try JSON.parse(bytes)
    }
}
