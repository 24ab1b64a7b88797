/// What the JSON converter needs to know of a schema, resolved once: kinds, field names as JSON, where children stand.
///
/// The nodes are plain numbers in one piece of memory, so walking them counts no references; the schema and default of each stand beside them.
/// Used by one converter on one thread.
final class JSONPlan {
    enum Kind: UInt8 {
        case int8, int16, int32, int64, float32, float64, boolean, string, bytes, array
        /// A map with text keys: an object.
        case map
        /// A map with other keys: an array of pairs.
        case pairs
        case structure, decimal, date, time, timestamp
    }

    struct Node {
        var kind: Kind
        var isOptional: Bool
        /// Null becomes the schema's default.
        var usesDefault: Bool
        /// Of a decimal.
        var scale: Int32
        /// The first child; a struct's fields stand side by side, a map's key before its value.
        var firstChild: Int32 = 0
        var childCount: Int32 = 0
        /// Of a field: its name in quotes with the colon, in `names`.
        var prefixStart: Int32 = 0
        var prefixCount: Int32 = 0
        /// Of a field: the bytes of its name, in `names`.
        var nameStart: Int32 = 0
        var nameCount: Int32 = 0
        /// Whether some field needs a look when it stayed null: not (optional without default).
        var checksNulls = false
    }

    let schema: Schema
    let nodes: UnsafeMutablePointer<Node>
    private let nodeCount: Int
    private let nameStorage: UnsafeMutablePointer<UInt8>
    let names: UnsafeBufferPointer<UInt8>
    let schemas: [Schema]
    let defaults: [Value]

    /// `{"schema":…,"payload":`, made when first needed.
    var envelope: [UInt8] = []
    /// The header that names the schema where schemas are kept, made when first needed.
    var header: RawHeader?
    var stored: StoredSchema?

    /// - Throws: ``ConnectError`` of kind `.data` for a schema that lacks a part (an array without elements).
    init(_ schema: Schema, replacesNull: Bool) throws {
        self.schema = schema
        var builder = Builder(replacesNull: replacesNull)
        try builder.add([(schema, nil)])
        var index = 0
        while index < builder.nodes.count {
            try builder.addChildren(of: index)
            index += 1
        }
        nodeCount = builder.nodes.count
        nodes = .allocate(capacity: nodeCount)
        nodes.initialize(from: builder.nodes, count: nodeCount)
        nameStorage = .allocate(capacity: max(1, builder.names.count))
        nameStorage.initialize(from: builder.names, count: builder.names.count)
        names = UnsafeBufferPointer(start: nameStorage, count: builder.names.count)
        schemas = builder.schemas
        defaults = builder.defaults
    }

    deinit {
        nodes.deallocate()
        nameStorage.deallocate()
    }

    @inline(__always) func prefix(of node: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: nameStorage + Int(nodes[node].prefixStart), count: Int(nodes[node].prefixCount))
    }
    @inline(__always) func name(of node: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: nameStorage + Int(nodes[node].nameStart), count: Int(nodes[node].nameCount))
    }

    private struct Builder {
        let replacesNull: Bool
        var nodes: [Node] = []
        var names: [UInt8] = []
        var schemas: [Schema] = []
        var defaults: [Value] = []

        mutating func add(_ siblings: [(schema: Schema, name: Name?)]) throws {
            for (schema, name) in siblings {
                let hasDefault = !(schema.defaultValue ?? .null).isNull
                var node = Node(
                    kind: try JSONPlan.kind(of: schema), isOptional: schema.isOptional, usesDefault: hasDefault && replacesNull,
                    scale: try JSONPlan.scale(of: schema))
                if let name {
                    node.nameStart = Int32(names.count)
                    names.append(contentsOf: name.text.utf8)
                    node.nameCount = Int32(names.count) - node.nameStart
                    var writer = JSONWriter()
                    writer.string(name.text)
                    writer.byte(UInt8(ascii: ":"))
                    node.prefixStart = Int32(names.count)
                    names.append(contentsOf: writer.bytes)
                    node.prefixCount = Int32(names.count) - node.prefixStart
                }
                nodes.append(node)
                schemas.append(schema)
                defaults.append(schema.defaultValue ?? .null)
                if names.count > 1 << 28 || nodes.count > 1 << 20 {
                    throw ConnectError(.data, code: "converter.schema_too_large", "a schema has more than \(1 << 20) parts")
                }
            }
        }

        mutating func addChildren(of index: Int) throws {
            let schema = schemas[index]
            let first = nodes.count
            switch nodes[index].kind {
            case .structure: try add(schema.fields.map { ($0.schema, $0.name) })
            case .array:
                guard let element = schema.valueSchema else { throw JSONPlan.lacks("an element schema", schema) }
                try add([(element, nil)])
            case .map, .pairs:
                guard let key = schema.keySchema, let value = schema.valueSchema else { throw JSONPlan.lacks("a key and a value schema", schema) }
                try add([(key, nil), (value, nil)])
            default: return
            }
            nodes[index].firstChild = Int32(first)
            nodes[index].childCount = Int32(nodes.count - first)
            nodes[index].checksNulls = nodes[first...].contains { !$0.isOptional || $0.usesDefault }
        }
    }

    private static func lacks(_ what: String, _ schema: Schema) -> ConnectError {
        ConnectError(.data, code: "converter.schema", "a schema of type \(schema.type.rawValue) lacks \(what)")
    }

    /// A logical type's name decides, whatever the base type is, as in Connect.
    private static func kind(of schema: Schema) throws -> Kind {
        if let name = schema.name {
            if name == LogicalType.decimal { return .decimal }
            if name == LogicalType.date { return .date }
            if name == LogicalType.time { return .time }
            if name == LogicalType.timestamp { return .timestamp }
        }
        switch schema.type {
        case .int8: return .int8
        case .int16: return .int16
        case .int32: return .int32
        case .int64: return .int64
        case .float32: return .float32
        case .float64: return .float64
        case .boolean: return .boolean
        case .string: return .string
        case .bytes: return .bytes
        case .array: return .array
        case .structure: return .structure
        case .map: return schema.keySchema?.type == .string ? .map : .pairs
        }
    }

    private static func scale(of schema: Schema) throws -> Int32 {
        guard schema.name == LogicalType.decimal else { return 0 }
        guard let text = schema.parameter(LogicalType.scaleParameter), let scale = Int32(text) else {
            throw ConnectError(
                .data, code: "converter.decimal_scale",
                "Invalid bytes for Decimal field: the schema has no parameter \"scale\" that is a whole number")
        }
        return scale
    }
}
