/// Connect's `InsertField`: adds fields with the record's topic, partition, offset, timestamp, or a fixed text.
final class InsertField: Transform {
    private let part: RecordPart
    private var fields: [Inserted] = []
    private var replacesNull = true
    private var cache = SchemaCache<Resolved>()

    private enum Source: Sendable { case topic, partition, offset, timestamp, fixed(String) }

    private struct Inserted {
        let source: Source
        let name: Name
        let isOptional: Bool
    }

    private struct Resolved {
        let schema: Schema
        /// Fields of the old schema that have a default, with it.
        let defaults: [(index: Int, value: Value)]
    }

    init(_ part: RecordPart) { self.part = part }

    func configure(_ config: Config) throws {
        var found: [Inserted] = []
        for (setting, source) in [
            (InsertFieldSettings.topic, Source.topic), (InsertFieldSettings.partition, .partition), (InsertFieldSettings.offset, .offset),
            (InsertFieldSettings.timestamp, .timestamp),
        ] {
            if let written = try config.value(setting) { found.append(InsertField.inserted(written, source)) }
        }
        if let written = try config.value(InsertFieldSettings.fixed) {
            guard let text = try config.value(InsertFieldSettings.fixedValue) else {
                throw ConnectError(
                    .configuration, code: "config.invalid_value",
                    "Invalid value null for configuration static.value: No value specified for static field: \(written)",
                    suggestion: "set static.value")
            }
            found.append(InsertField.inserted(written, .fixed(text)))
        }
        if found.isEmpty {
            throw ConnectError(
                .configuration, code: "config.invalid_value", "No field insertion configured",
                suggestion: "set topic.field, partition.field, offset.field, timestamp.field or static.field")
        }
        fields = found
        replacesNull = try config.value(CommonTransformSettings.replaceNullWithDefault)
        cache = SchemaCache()
    }

    /// `name!` is a required field, `name?` and `name` an optional one.
    private static func inserted(_ written: String, _ source: Source) -> Inserted {
        let bare = Name(String(decoding: written.utf8.dropLast(), as: UTF8.self))
        switch written.utf8.last {
        case UInt8(ascii: "!"): return Inserted(source: source, name: bare, isOptional: false)
        case UInt8(ascii: "?"): return Inserted(source: source, name: bare, isOptional: true)
        default: return Inserted(source: source, name: Name(written), isOptional: true)
        }
    }

    func apply(_ record: inout Record) throws -> TransformResult {
        try insert(into: &record, offset: nil)
        return .keep
    }

    func apply(to entries: inout [RecordBatch.Entry], at indexes: [Int]) -> [(index: Int, result: Result<TransformResult, any Error>)] {
        var exceptions: [(index: Int, result: Result<TransformResult, any Error>)] = []
        for index in indexes {
            var offset: Int64?
            if case .log(let origin) = entries[index].origin { offset = origin.offset }
            do {
                try insert(into: &entries[index].record, offset: offset)
            } catch {
                exceptions.append((index, .failure(error)))
            }
        }
        return exceptions
    }

    private func insert(into record: inout Record, offset: Int64?) throws {
        if record.value(of: part).isNull { return }
        if let schema = record.schema(of: part) {
            guard schema.type == .structure else { throw notAStruct(record) }
            let resolved = try cache.value(schema, resolve)
            // Everything that can fail comes before anything is taken.
            var added: [Value] = []
            added.reserveCapacity(fields.count)
            for field in fields { added.append(try value(field, record, offset, typed: true)) }
            var values = try record.takeStruct(part, for: InsertField.purpose)
            for (index, value) in resolved.defaults where values[index].isNull { values[index] = value }
            values.append(contentsOf: added)
            record.set(part, resolved.schema, .structure(Struct(resolved.schema, values)))
        } else {
            let added = try fields.map { ($0.name, try value($0, record, offset, typed: false)) }
            var entries = try record.takeMap(part, for: InsertField.purpose)
            for (name, value) in added where !value.isNull {
                let key = Value.string(name.text)
                if let index = entries.firstIndex(where: { $0.key == key }) {
                    entries[index].value = value
                } else {
                    entries.append(Value.MapEntry(key: key, value: value))
                }
            }
            record.set(part, nil, .map(entries))
        }
    }

    private static let purpose = "field insertion"

    private func notAStruct(_ record: Record) -> ConnectError {
        DataErrors.invalid("Only Struct objects supported for [\(InsertField.purpose)], found: \(record.value(of: part).kindWord)")
    }

    private func value(_ field: Inserted, _ record: Record, _ offset: Int64?, typed: Bool) throws -> Value {
        switch field.source {
        case .topic: return .string(record.topic.text)
        case .partition: return record.partition.map { .int32($0) } ?? .null
        case .timestamp:
            guard let timestamp = record.timestamp else { return .null }
            return typed ? .timestamp(timestamp) : .int64(timestamp)
        case .fixed(let text): return .string(text)
        case .offset:
            guard let offset else {
                throw DataErrors.invalid("offset.field works for sink connectors only: a source's record has no offset yet", suggestion: "remove offset.field")
            }
            return .int64(offset)
        }
    }

    private func resolve(_ schema: Schema) throws -> Resolved {
        let added = fields.map { field -> Schema.Field in
            switch field.source {
            case .topic, .fixed: Schema.Field(field.name, .plain(.string, optional: field.isOptional))
            case .partition: Schema.Field(field.name, .plain(.int32, optional: field.isOptional))
            case .offset: Schema.Field(field.name, .plain(.int64, optional: field.isOptional))
            case .timestamp: Schema.Field(field.name, .timestamp(optional: field.isOptional))
            }
        }
        let defaults =
            replacesNull
            ? schema.fields.enumerated().compactMap { index, field in field.schema.defaultValue.map { (index: index, value: $0) } } : []
        return Resolved(schema: try schema.replacingFields(schema.fields + added), defaults: defaults)
    }
}

enum InsertFieldSettings {
    static let topic = field("topic.field", "Kafka topic")
    static let partition = field("partition.field", "partition")
    static let offset = field("offset.field", "offset (sink connectors only)")
    static let timestamp = field("timestamp.field", "timestamp")
    static let fixed = field("static.field", "static data field")
    static let fixedValue = Setting<String?>.optionalString("static.value", "The text of static.field.")

    private static func field(_ name: Name, _ what: String) -> Setting<String?> {
        Setting<String?>.optionalString(
            name, "Field name for the record's \(what). Suffix with ! to make this a required field, or ? to keep it optional (the default).")
    }

    static let definition = ConfigDefinition()
        .group(nil, topic, partition, offset, timestamp, fixed, fixedValue, CommonTransformSettings.replaceNullWithDefault)
}
