/// Schemas as JSON in Connect's form, both ways.
///
/// Written, the order of keys is Connect's: `type`, then `fields` | `items` | `keys`,`values`, then `optional`, `name`, `version`, `doc`,
/// `parameters`, `default`, and `field` last for members of a struct. ``canonical(_:)`` always gives the same bytes for equal schemas,
/// whatever the converter's settings are.
public enum SchemaJSON {
    /// The stored form, whose hash is the schema's address. Decimal defaults are Base64.
    /// - Throws: ``ConnectError`` of kind `.data` when a default is none of its schema.
    public static func canonical(_ schema: Schema) throws -> [UInt8] {
        var writer = JSONWriter()
        try write(schema, field: nil, decimals: .base64, into: &writer)
        return [UInt8](writer.bytes)
    }

    /// The content address of canonical bytes: FNV-1a, 64 bits, mixed once more.
    ///
    /// It needs to be stable and spread well, not to resist forgery: whoever registers a schema compares the content under the same address, and
    /// a collision (one in 2⁶⁴ per pair) is an error there, never another schema's types.
    public static func address(of canonical: [UInt8]) -> SchemaID {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in canonical {
            hash ^= UInt64(byte)
            hash = hash &* 0x100_0000_01B3
        }
        hash ^= hash >> 33
        hash = hash &* 0xFF51_AFD7_ED55_8CCD
        hash ^= hash >> 33
        return SchemaID(hash)
    }

    /// A schema from its JSON.
    /// - Throws: ``ConnectError`` of kind `.data` with Connect's message when it is none.
    public static func parse(_ json: [UInt8]) throws -> Schema {
        let document: JSON
        do {
            document = try JSON.parse(json, duplicateNames: .lastWins)
        } catch {
            throw DataErrors.invalid("a schema is not valid JSON: \(error)")
        }
        return try schema(document)
    }

    // MARK: Writing

    static func write(_ schema: Schema, field: Name?, decimals: DecimalFormat, into writer: inout JSONWriter) throws {
        writer.literal("{\"type\":")
        writer.string(schema.type.rawValue)
        switch schema.type {
        case .structure:
            writer.literal(",\"fields\":[")
            for (index, member) in schema.fields.enumerated() {
                if index > 0 { writer.byte(UInt8(ascii: ",")) }
                try write(member.schema, field: member.name, decimals: decimals, into: &writer)
            }
            writer.byte(UInt8(ascii: "]"))
        case .array: try write(schema.valueSchema, as: ",\"items\":", decimals, into: &writer)
        case .map:
            try write(schema.keySchema, as: ",\"keys\":", decimals, into: &writer)
            try write(schema.valueSchema, as: ",\"values\":", decimals, into: &writer)
        default: break
        }
        writer.literal(",\"optional\":")
        writer.boolean(schema.isOptional)
        if let name = schema.name { write(name.text, as: ",\"name\":", into: &writer) }
        if let version = schema.version {
            writer.literal(",\"version\":")
            writer.integer(Int64(version))
        }
        if let documentation = schema.documentation { write(documentation, as: ",\"doc\":", into: &writer) }
        if !schema.parameters.isEmpty {
            writer.literal(",\"parameters\":{")
            for (index, parameter) in schema.parameters.enumerated() {
                if index > 0 { writer.byte(UInt8(ascii: ",")) }
                writer.string(parameter.name.text)
                write(parameter.value, as: ":", into: &writer)
            }
            writer.byte(UInt8(ascii: "}"))
        }
        if let defaultValue = schema.defaultValue, !defaultValue.isNull {
            writer.literal(",\"default\":")
            let plan = try JSONPlan(schema, replacesNull: false)
            try JSONValueWriter(decimals: decimals).write(defaultValue, plan, 0, into: &writer)
        }
        if let field { write(field.text, as: ",\"field\":", into: &writer) }
        writer.byte(UInt8(ascii: "}"))
    }

    private static func write(_ schema: Schema?, as key: StaticString, _ decimals: DecimalFormat, into writer: inout JSONWriter) throws {
        guard let schema else { throw DataErrors.invalid("an array or map schema lacks the schema of its elements") }
        writer.literal(key)
        try write(schema, field: nil, decimals: decimals, into: &writer)
    }

    private static func write(_ text: String, as key: StaticString, into writer: inout JSONWriter) {
        writer.literal(key)
        writer.string(text)
    }

    // MARK: Reading

    private static func schema(_ json: JSON) throws -> Schema {
        guard let word = json["type"]?.text else { throw DataErrors.invalid("Schema must contain 'type' field") }
        guard let type = SchemaType.allCases.first(where: { equalBytes($0.rawValue, word) }) else {
            throw DataErrors.invalid("Unknown schema type: \(word)")
        }
        var fields: [Schema.Field] = []
        var keySchema: Schema?, valueSchema: Schema?
        switch type {
        case .structure:
            guard let members = json["fields"]?.elements else { throw DataErrors.invalid("Struct schema's \"fields\" argument is not an array.") }
            var names: Set<Name> = []
            for member in members {
                guard let name = member["field"]?.text else { throw DataErrors.invalid("Struct schema's field name not specified properly") }
                guard names.insert(Name(name)).inserted else {
                    throw DataErrors.invalid("Cannot create field because of field name duplication \(name)")
                }
                fields.append(Schema.Field(Name(name), try schema(member)))
            }
        case .array: valueSchema = try part(json["items"], "Array schema did not specify the element type")
        case .map:
            keySchema = try part(json["keys"], "Map schema did not specify the key type")
            valueSchema = try part(json["values"], "Map schema did not specify the value type")
        default: break
        }
        var optional = false
        if case .boolean(true) = json["optional"] { optional = true }
        let bare = Schema(
            type, optional: optional, name: json["name"]?.text.map { Name($0) }, version: json["version"]?.int64.map { Int32(truncatingIfNeeded: $0) },
            documentation: json["doc"]?.text, parameters: try parameters(json["parameters"]), fields: fields, keySchema: keySchema,
            valueSchema: valueSchema)
        guard let written = json["default"], written != .null else { return plain(bare) }
        return Schema(
            type, optional: optional, default: try defaultValue(written, bare), name: bare.name, version: bare.version,
            documentation: bare.documentation, parameters: bare.parameters, fields: fields, keySchema: keySchema, valueSchema: valueSchema)
    }

    private static func part(_ json: JSON?, _ message: String) throws -> Schema {
        guard let json, json != .null else { throw DataErrors.invalid(message) }
        return try schema(json)
    }

    /// The shared object of a schema that has nothing but a type.
    private static func plain(_ schema: Schema) -> Schema {
        switch schema.type {
        case .array, .map, .structure: return schema
        default:
            let shared = Schema.plain(schema.type, optional: schema.isOptional)
            return shared == schema ? shared : schema
        }
    }

    private static func parameters(_ json: JSON?) throws -> [Schema.Parameter] {
        guard let json, json != .null else { return [] }
        guard let members = json.members else { throw DataErrors.invalid("Schema parameters must be a JSON object") }
        var parameters: [Schema.Parameter] = []
        for member in members {
            guard let text = member.value.text else { throw DataErrors.invalid("Schema parameters must have string values.") }
            parameters.removeAll { $0.name == member.name }
            parameters.append(Schema.Parameter(member.name, text))
        }
        return parameters
    }

    private static func defaultValue(_ json: JSON, _ schema: Schema) throws -> Value {
        let plan = try JSONPlan(schema, replacesNull: false)
        return try json.serialized().withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            return try JSONValueReader().read(&reader, plan, 0)
        }
    }
}
