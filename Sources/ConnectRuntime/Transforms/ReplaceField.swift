/// Connect's `ReplaceField`: drops and renames fields.
final class ReplaceField: Transform {
    private let part: RecordPart
    private var exclude: Set<Name> = []
    private var include: Set<Name> = []
    private var renames: [Name: Name] = [:]
    private var replacesNull = true
    private var cache = SchemaCache<Resolved>()

    private struct Resolved {
        let schema: Schema
        /// For each new field where its value stands in the old one, and what null becomes.
        let sources: [(index: Int, fallback: Value)]
    }

    init(_ part: RecordPart) { self.part = part }

    func configure(_ config: Config) throws {
        exclude = Set(try config.value(ReplaceFieldSettings.exclude).map { Name($0) })
        include = Set(try config.value(ReplaceFieldSettings.include).map { Name($0) })
        renames = [:]
        for rename in try config.value(ReplaceFieldSettings.renames) { renames[rename.from] = rename.to }
        replacesNull = try config.value(CommonTransformSettings.replaceNullWithDefault)
        cache = SchemaCache()
    }

    private func keeps(_ name: Name) -> Bool { !exclude.contains(name) && (include.isEmpty || include.contains(name)) }

    func apply(_ record: inout Record) throws -> TransformResult {
        if record.value(of: part).isNull { return .keep }
        if let schema = record.schema(of: part) {
            guard schema.type == .structure else {
                throw DataErrors.invalid("Only Struct objects supported for [field replacement], found: \(record.value(of: part).kindWord)")
            }
            let resolved = try cache.value(schema, resolve)
            let values = try record.takeStruct(part, for: "field replacement")
            var kept: [Value] = []
            kept.reserveCapacity(resolved.sources.count)
            for source in resolved.sources {
                let value = values[source.index]
                kept.append(value.isNull ? source.fallback : value)
            }
            record.set(part, resolved.schema, .structure(Struct(resolved.schema, kept)))
        } else {
            let entries = try record.takeMap(part, for: "field replacement")
            record.set(part, nil, .map(replaced(entries)))
        }
        return .keep
    }

    /// Where a new name meets a field that has it already, the renamed one stays.
    private func replaced(_ entries: [Value.MapEntry]) -> [Value.MapEntry] {
        var plain = UniqueEntries(), renamed: [Value.MapEntry] = []
        for entry in entries {
            guard case .string(let text) = entry.key else {
                if include.isEmpty { plain.set(entry.key, entry.value) }
                continue
            }
            let name = Name(text)
            guard keeps(name) else { continue }
            if let new = renames[name] { renamed.append(Value.MapEntry(key: .string(new.text), value: entry.value)) }
            plain.set(renames[name].map { .string($0.text) } ?? entry.key, entry.value)
        }
        for entry in renamed { plain.set(entry.key, entry.value) }
        return plain.entries
    }

    private func resolve(_ schema: Schema) throws -> Resolved {
        var fields: [Schema.Field] = [], sources: [(index: Int, fallback: Value)] = []
        for (index, field) in schema.fields.enumerated() where keeps(field.name) {
            fields.append(Schema.Field(renames[field.name] ?? field.name, field.schema))
            sources.append((index, replacesNull ? field.schema.defaultValue ?? .null : .null))
        }
        return Resolved(schema: try schema.replacingFields(fields), sources: sources)
    }
}

enum ReplaceFieldSettings {
    static let exclude = Setting<[String]>.list("exclude", "Fields to leave out. This takes precedence over the fields to include.")
    static let include = Setting<[String]>.list("include", "Fields to keep. If empty, all are kept.")
    static let renames = Setting<[Rename]>("renames", .list, default: "", width: .long, "Field renames, each written old:new.") {
        (text: String) throws(SettingError) -> [Rename] in
        var renames: [Rename] = []
        for item in splitList(text) {
            let parts = item.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { throw SettingError("Invalid rename mapping: \(item)") }
            renames.append(Rename(from: Name(parts[0]), to: Name(parts[1])))
        }
        return renames
    }

    struct Rename: Sendable {
        let from: Name
        let to: Name
    }

    static let definition = ConfigDefinition().group(nil, exclude, include, renames, CommonTransformSettings.replaceNullWithDefault)
}
