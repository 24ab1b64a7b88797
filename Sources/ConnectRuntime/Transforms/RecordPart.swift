/// The half of a record that a transform works on: Connect has `$Key` and `$Value` variants of most.
enum RecordPart: String, CaseIterable, Sendable { case key = "Key", value = "Value" }

extension Record {
    func schema(of part: RecordPart) -> Schema? { part == .key ? keySchema : valueSchema }
    func value(of part: RecordPart) -> Value { part == .key ? key : value }

    mutating func set(_ part: RecordPart, _ schema: Schema?, _ value: Value) {
        switch part {
        case .key:
            keySchema = schema
            key = value
        case .value:
            valueSchema = schema
            self.value = value
        }
    }

    /// Takes the values of a struct out, so that they are changed in place; the part is null until ``set(_:_:_:)``.
    /// - Throws: ``ConnectError`` of kind `.data` when the part is no struct; nothing is taken then.
    mutating func takeStruct(_ part: RecordPart, for purpose: String) throws -> [Value] {
        let current = value(of: part)
        guard case .structure(let structure) = current else {
            throw DataErrors.invalid("Only Struct objects supported for [\(purpose)], found: \(current.kindWord)")
        }
        guard let schema = schema(of: part), structure.schema === schema || structure.schema == schema else {
            throw DataErrors.invalid("Mismatching schema: a struct is of another schema than its record says")
        }
        clear(part)
        return structure.takeValues()
    }

    /// The same for a map.
    mutating func takeMap(_ part: RecordPart, for purpose: String) throws -> [Value.MapEntry] {
        let current = value(of: part)
        guard case .map(let entries) = current else {
            throw DataErrors.invalid("Only Map objects supported in absence of schema for [\(purpose)], found: \(current.kindWord)")
        }
        clear(part)
        return entries
    }

    private mutating func clear(_ part: RecordPart) {
        if part == .key { key = .null } else { value = .null }
    }
}

extension Schema {
    /// A struct's schema with other fields. Name, version, documentation and parameters stay; as in Connect, the struct is then required and without default.
    func replacingFields(_ fields: [Field]) throws -> Schema {
        var names: Set<Name> = []
        for field in fields where !names.insert(field.name).inserted {
            throw DataErrors.invalid("Cannot create field because of field name duplication \(field.name)")
        }
        if fields.contains(where: { $0.name.text.isEmpty }) { throw DataErrors.invalid("fieldName cannot be null or empty.") }
        return Schema(type, name: name, version: version, documentation: documentation, parameters: parameters, fields: fields)
    }
}

/// What a transform has resolved for each schema it met, so that it is resolved once, and equal schemas give the same new one.
struct SchemaCache<Resolved> {
    private var last: (schema: Schema, resolved: Resolved)?
    private var known: [Schema: Resolved] = [:]
    /// When so many are known, all are forgotten.
    private static var limit: Int { 64 }

    mutating func value(_ schema: Schema, _ resolve: (Schema) throws -> Resolved) rethrows -> Resolved {
        if let last, last.schema === schema { return last.resolved }
        let resolved: Resolved
        if let found = known[schema] {
            resolved = found
        } else {
            resolved = try resolve(schema)
            if known.count >= SchemaCache.limit { known.removeAll(keepingCapacity: true) }
            known[schema] = resolved
        }
        last = (schema, resolved)
        return resolved
    }
}

enum CommonTransformSettings {
    static let replaceNullWithDefault = Setting<Bool>.boolean(
        "replace.null.with.default", default: true, displayName: "Replace null with default",
        "Whether a null field whose schema has a default reads as that default; otherwise it stays null.")
}
