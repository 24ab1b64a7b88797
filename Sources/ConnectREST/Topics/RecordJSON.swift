public import ConnectRuntime

/// How a record is shown: the JSON object that `topics consume` prints and the REST door answers with.
public struct RecordFormat: Sendable {
    /// How bytes become JSON: what fits, or what somebody asked for.
    public enum ValueFormat: String, Sendable, CaseIterable { case json, string, base64 }

    public let valueFormat: ValueFormat?
    /// Keys and values as `{"schema", "payload"}`, with the schema the log keeps for them.
    public let withSchema: Bool

    public init(valueFormat: ValueFormat? = nil, withSchema: Bool = false) {
        self.valueFormat = valueFormat
        self.withSchema = withSchema
    }

    /// Record number `index` of a set.
    /// - Throws: ``ConnectError`` of kind `.data` when its bytes are not what ``valueFormat`` asks for, or its schema is not in the log.
    public func json(_ records: ConsumedRecords, _ index: Int, schemas: (any LogSchemas)?) throws -> JSON {
        let set = records.records
        let item = set.items[index]
        let place = "\(records.topicPartition)@\(item.offset)"
        let headers = set.hasHeaders(at: index) ? set.headers(at: index) : []
        let key = try shown(set.key(at: index), SchemaHeaders.key, headers, schemas, "the key of record \(place)")
        let value = try shown(set.value(at: index), SchemaHeaders.value, headers, schemas, "the value of record \(place)")
        return .object([
            JSON.Member("topic", .string(records.topicPartition.topic.text)),
            JSON.Member("partition", .integer(Int64(records.topicPartition.partition))),
            JSON.Member("offset", .integer(item.offset)),
            JSON.Member("timestamp", item.timestamp < 0 ? .null : .integer(item.timestamp)),
            JSON.Member("key", key), JSON.Member("value", value),
            JSON.Member(
                "headers",
                .array(
                    headers.filter { !SchemaHeaders.contains($0.name) }.map { header in
                        .object([
                            JSON.Member("key", .string(header.name.text)),
                            JSON.Member("value", header.value.map(Self.natural) ?? .null),
                        ])
                    })),
        ])
    }

    private func shown(
        _ bytes: ByteSlice?, _ schemaHeader: Name, _ headers: [RawHeader], _ schemas: (any LogSchemas)?, _ what: String
    ) throws -> JSON {
        let payload = try bytes.map { try formatted($0, what) } ?? .null
        guard withSchema, let header = headers.last(where: { $0.name == schemaHeader }) else { return payload }
        guard let id = header.value?.array, id.count == 8 else {
            throw ConnectError(.data, code: "record.schema", "\(what) names its schema by something that is no id")
        }
        let number = id.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let stored = try schemas?.schema(SchemaID(number)), let schema = try? JSON.parse(stored) else {
            throw ConnectError(.data, code: "record.schema", "\(what) names a schema that the log does not have")
        }
        return .object([JSON.Member("schema", schema), JSON.Member("payload", payload)])
    }

    private func formatted(_ bytes: ByteSlice, _ what: String) throws -> JSON {
        switch valueFormat {
        case nil: return Self.natural(bytes)
        case .json:
            guard let document = try? JSON.parse(bytes.array, duplicateNames: .lastWins) else { throw Self.misfit(what, "JSON document") }
            return document
        case .string:
            guard let text = bytes.utf8Text else { throw Self.misfit(what, "UTF-8 text") }
            return .string(text)
        case .base64: return Self.encoded(bytes)
        }
    }

    private static func misfit(_ what: String, _ wanted: String) -> ConnectError {
        ConnectError(
            .data, code: "record.format", "\(what) is no \(wanted)",
            suggestion: "leave the value format out to see each record as it is, or ask for base64")
    }

    /// JSON when the bytes are exactly one JSON document, else a string when they are UTF-8, else Base64.
    static func natural(_ bytes: ByteSlice) -> JSON {
        if let document = try? JSON.parse(bytes.array, duplicateNames: .lastWins) { return document }
        if let text = bytes.utf8Text { return .string(text) }
        return encoded(bytes)
    }

    private static func encoded(_ bytes: ByteSlice) -> JSON { .object([JSON.Member("base64", .string(Base64.standard(bytes.array)))]) }
}
