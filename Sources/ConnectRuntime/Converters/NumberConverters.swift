/// Connect's converters of one number or boolean: fixed width, big-endian.
///
/// One class, told its form: `ShortConverter`, `IntegerConverter`, `LongConverter`, `FloatConverter`, `DoubleConverter`, `BooleanConverter`.
public final class NumberConverter: Converter {
    enum Form: String, CaseIterable, Sendable { case short = "Short", integer = "Integer", long = "Long", float = "Float", double = "Double", boolean = "Boolean" }

    private let form: Form

    init(_ form: Form) { self.form = form }

    public func configure(_ config: Config, context: ConverterContext) throws {}

    private var type: SchemaType {
        switch form {
        case .short: .int16
        case .integer: .int32
        case .long: .int64
        case .float: .float32
        case .double: .float64
        case .boolean: .boolean
        }
    }

    private var width: Int {
        switch form {
        case .short: 2
        case .integer, .float: 4
        case .long, .double: 8
        case .boolean: 1
        }
    }

    public func serialize(topic: Name, headers: inout [RawHeader], schema: Schema?, value: Value, into buffer: inout ByteBuffer) throws -> Bool {
        if let schema, schema.type != type {
            throw DataErrors.invalid("Invalid schema type for \(form.rawValue)Converter: \(schema.type.rawValue)", suggestion: "choose a converter that writes this type")
        }
        switch (form, value) {
        case (_, .null): return false
        case (.short, .int16(let number)): buffer.append(bigEndian: number)
        case (.integer, .int32(let number)), (.integer, .date(let number)), (.integer, .time(let number)): buffer.append(bigEndian: number)
        case (.long, .int64(let number)), (.long, .timestamp(let number)): buffer.append(bigEndian: number)
        case (.float, .float32(let number)): buffer.append(bigEndian: number.bitPattern)
        case (.double, .float64(let number)): buffer.append(bigEndian: number.bitPattern)
        case (.boolean, .boolean(let flag)): buffer.append(flag ? 1 : 0)
        default: throw DataErrors.invalid("\(form.rawValue)Converter cannot write \(value.kindWord)", suggestion: "choose a converter that writes this type")
        }
        return true
    }

    public func deserialize(topic: Name, headers: [RawHeader], bytes: ByteSlice?) throws -> SchemaAndValue {
        let schema = Schema.plain(type, optional: true)
        guard let bytes else { return SchemaAndValue(schema: schema, value: .null) }
        guard bytes.count == width else {
            throw DataErrors.invalid("\(form.rawValue)Converter reads \(width) bytes, the value has \(bytes.count)", suggestion: "choose the converter the topic was written with")
        }
        var bits: UInt64 = 0
        bytes.withUnsafeBytes { raw in
            for byte in raw { bits = bits << 8 | UInt64(byte) }
        }
        let value: Value
        switch form {
        case .short: value = .int16(Int16(truncatingIfNeeded: bits))
        case .integer: value = .int32(Int32(truncatingIfNeeded: bits))
        case .long: value = .int64(Int64(bitPattern: bits))
        case .float: value = .float32(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .double: value = .float64(Double(bitPattern: bits))
        case .boolean:
            guard bits <= 1 else { throw DataErrors.invalid("BooleanConverter reads 0x00 or 0x01, the value is 0x\(String(bits, radix: 16))") }
            value = .boolean(bits == 1)
        }
        return SchemaAndValue(schema: schema, value: value)
    }
}
