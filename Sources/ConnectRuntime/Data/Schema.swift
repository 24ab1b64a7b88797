/// The type words of Connect's schemas.
public enum SchemaType: String, Sendable, Hashable, CaseIterable {
    case int8, int16, int32, int64
    case float32 = "float"
    case float64 = "double"
    case boolean, string, bytes, array, map
    case structure = "struct"
}

/// What a value is: Connect's schema. Immutable, shared by reference, compared by all attributes.
///
/// Make one per table or topic and reuse it: converters and sinks recognise a schema they have met by identity (`===`) first and
/// resolve fields once per schema, not once per record.
public final class Schema: Sendable {
    public let type: SchemaType
    public let isOptional: Bool
    /// The default of the value, `nil` when it has none. Its shape is `type`'s.
    public let defaultValue: Value?
    /// The schema's name; also marks logical types (see ``LogicalType``).
    public let name: Name?
    public let version: Int32?
    public let documentation: String?
    /// Parameters in their order; names are unique.
    public let parameters: [Parameter]
    /// Fields of a struct in their order; empty for other types.
    public let fields: [Field]
    /// Element schema of an array, value schema of a map.
    public let valueSchema: Schema?
    /// Key schema of a map.
    public let keySchema: Schema?

    private let fieldIndexes: [Name: Int]

    public struct Parameter: Sendable, Hashable {
        public let name: Name
        public let value: String
        public init(_ name: Name, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A named member of a struct.
    public struct Field: Sendable, Hashable {
        public let name: Name
        public let schema: Schema
        public init(_ name: Name, _ schema: Schema) {
            self.name = name
            self.schema = schema
        }
    }

    public init(
        _ type: SchemaType, optional: Bool = false, default defaultValue: Value? = nil, name: Name? = nil,
        version: Int32? = nil, documentation: String? = nil, parameters: [Parameter] = [], fields: [Field] = [],
        keySchema: Schema? = nil, valueSchema: Schema? = nil
    ) {
        self.type = type
        isOptional = optional
        self.defaultValue = defaultValue
        self.name = name
        self.version = version
        self.documentation = documentation
        self.parameters = parameters
        self.fields = fields
        self.keySchema = keySchema
        self.valueSchema = valueSchema
        var indexes: [Name: Int] = [:]
        indexes.reserveCapacity(fields.count)
        for (index, field) in fields.enumerated() { indexes[field.name] = index }
        fieldIndexes = indexes
    }

    /// Where a struct's field stands, `nil` when it has none of that name. Resolve once per schema, not per record.
    public func index(of field: Name) -> Int? { fieldIndexes[field] }

    public func field(_ name: Name) -> Field? { fieldIndexes[name].map { fields[$0] } }

    public func parameter(_ name: Name) -> String? { parameters.first { $0.name == name }?.value }
}

extension Schema {
    public static func structure(_ name: Name?, optional: Bool = false, version: Int32? = nil, fields: [Field]) -> Schema {
        Schema(.structure, optional: optional, name: name, version: version, fields: fields)
    }
    public static func array(of element: Schema, optional: Bool = false) -> Schema {
        Schema(.array, optional: optional, valueSchema: element)
    }
    public static func map(keys: Schema, values: Schema, optional: Bool = false) -> Schema {
        Schema(.map, optional: optional, keySchema: keys, valueSchema: values)
    }

    /// The plain schemas, made once: `Schema.plain(.int64, optional: true)` is always the same object.
    public static func plain(_ type: SchemaType, optional: Bool = false) -> Schema {
        (optional ? plainOptional : plainRequired)[type] ?? Schema(type, optional: optional)
    }

    private static let plainRequired = Dictionary(uniqueKeysWithValues: SchemaType.allCases.map { ($0, Schema($0)) })
    private static let plainOptional = Dictionary(
        uniqueKeysWithValues: SchemaType.allCases.map { ($0, Schema($0, optional: true)) })
}

extension Schema: Hashable {
    public static func == (left: Schema, right: Schema) -> Bool {
        if left === right { return true }
        return left.type == right.type && left.isOptional == right.isOptional && left.name == right.name
            && left.version == right.version && left.documentation == right.documentation
            && left.defaultValue == right.defaultValue && left.parameters == right.parameters
            && left.fields == right.fields && left.keySchema == right.keySchema && left.valueSchema == right.valueSchema
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(isOptional)
        hasher.combine(name)
        hasher.combine(version)
        hasher.combine(fields.count)
        for field in fields {
            hasher.combine(field.name)
            hasher.combine(field.schema.type)
        }
    }
}
