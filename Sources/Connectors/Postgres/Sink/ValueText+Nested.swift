internal import ConnectRuntime

/// Arrays, rows, maps and documents as texts.
extension ValueText {
    /// `{1,NULL,"a\"b",{…}}`: arrays within arrays are further dimensions.
    static func array(_ elements: [Value], _ schema: Schema?, hasSchema: Bool, _ type: PostgresType, _ out: inout [UInt8]) throws {
        out.append(UInt8(ascii: "{"))
        for (index, element) in elements.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            switch element {
            case .null: out.append("NULL")
            case .array(let inner) where type.base != .json: try array(inner, schema?.valueSchema, hasSchema: hasSchema, type, &out)
            default:
                var text: [UInt8] = []
                try append(element, schema, type, &text)
                quote(text, doubling: false, &out)
            }
        }
        out.append(UInt8(ascii: "}"))
    }

    /// In quotes, with backslashes before quotes and backslashes, or these doubled as rows have them.
    private static func quote(_ text: [UInt8], doubling: Bool, _ out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(doubling ? byte : UInt8(ascii: "\\")) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "\""))
    }

    static func structure(_ structure: Struct, _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        if let decimal = VariableScaleDecimal.decimal(structure) {
            switch type {
            case .json, .text: break
            default: return out.append(contentsOf: (decimal.plainText ?? decimal.text).utf8)
            }
        }
        switch type {
        case .composite(_, let fields):
            try row(fields, &out) { name in structure.schema.index(of: name).map { (structure.values[$0], structure.schema.fields[$0].schema) } }
        case .textMap: try textMap(structure.schema.fields.enumerated().map { ($1.name.text, structure.values[$0]) }, &out)
        default: try document(.structure(structure), type, &out)
        }
    }

    static func map(_ entries: [Value.MapEntry], _ schema: Schema?, _ type: PostgresType, _ out: inout [UInt8]) throws {
        func member(_ name: Name) -> Value? {
            entries.last { if case .string(let text) = $0.key { equalBytes(text, name.text) } else { false } }?.value
        }
        switch type {
        case .decimal, .variableDecimal, .float64, .float32:
            guard let decimal = VariableScaleDecimal.decimal(scale: member("scale"), unscaled: member("value")) else { throw Unfit(message: "the value is an object, not a number") }
            out.append(contentsOf: (decimal.plainText ?? decimal.text).utf8)
        case .composite(_, let fields): try row(fields, &out) { name in member(name).map { ($0, schema?.valueSchema) } }
        case .textMap:
            try textMap(
                entries.map { entry in
                    guard case .string(let key) = entry.key else { throw Unfit(message: "the map has keys that are no texts") }
                    return (key, entry.value)
                }, &out)
        default: try document(.map(entries), type, &out)
        }
    }

    /// `("a","b",)`: the attributes in the type's order, NULL as nothing.
    private static func row(_ fields: [PostgresType.CompositeField], _ out: inout [UInt8], _ member: (Name) -> (Value, Schema?)?) throws {
        out.append(UInt8(ascii: "("))
        for (index, field) in fields.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            guard let (value, schema) = member(Name(field.name)), !value.isNull else { continue }
            var text: [UInt8] = []
            try append(value, schema, field.type, &text)
            quote(text, doubling: true, &out)
        }
        out.append(UInt8(ascii: ")"))
    }

    /// `"k"=>"v","n"=>NULL`
    private static func textMap(_ entries: [(String, Value)], _ out: inout [UInt8]) throws {
        for (index, (key, value)) in entries.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            var text: [UInt8] = []
            try append(text: key, &text)
            quote(text, doubling: false, &out)
            out.append("=>")
            if value.isNull {
                out.append("NULL")
                continue
            }
            text = []
            try append(value, nil, .text, &text)
            quote(text, doubling: false, &out)
        }
    }

    static func json(_ value: Value, _ schema: Schema?, _ out: inout [UInt8]) throws {
        guard case .string(let text) = value else { return try document(value, .json, &out) }
        // A text with a schema that says JSON, or one that reads as JSON, is JSON; any other is a JSON string.
        if schema?.name == LogicalType.json || (try? JSON.parse(text)) != nil { return try append(text: text, &out) }
        try document(value, .json, &out)
    }

    /// JSON, for columns that hold documents or texts.
    static func document(_ value: Value, _ type: PostgresType, _ out: inout [UInt8]) throws {
        switch type {
        case .json, .text, .other, .xml: break
        default: throw Unfit(message: "the value is a list or an object, which the column's type cannot hold")
        }
        var buffer = ByteBuffer(capacity: 128)
        try PlainText.writeJSON(value, into: &buffer)
        out.append(contentsOf: buffer.bytes)
    }
}
