/// Connect's `ByteArrayConverter`: bytes as they are.
public final class ByteArrayConverter: Converter {
    public init() {}

    public func configure(_ config: Config, context: ConverterContext) throws {}

    public func serialize(topic: Name, headers: inout [RawHeader], schema: Schema?, value: Value, into buffer: inout ByteBuffer) throws -> Bool {
        if let schema, schema.type != .bytes {
            throw DataErrors.invalid("Invalid schema type for ByteArrayConverter: \(schema.type.rawValue)", suggestion: "choose a converter that writes this type")
        }
        switch value {
        case .null: return false
        case .bytes(let bytes):
            buffer.append(bytes)
            return true
        default: throw DataErrors.invalid("ByteArrayConverter is not compatible with \(value.kindWord)", suggestion: "choose a converter that writes this type")
        }
    }

    public func deserialize(topic: Name, headers: [RawHeader], bytes: ByteSlice?) throws -> SchemaAndValue {
        SchemaAndValue(schema: .plain(.bytes, optional: true), value: bytes.map { .bytes($0.array) } ?? .null)
    }
}
