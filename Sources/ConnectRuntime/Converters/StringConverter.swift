/// Connect's `StringConverter`: the text form of any value, and text back.
public final class StringConverter: Converter {
    private var encoding = TextEncoding.utf8

    public init() {}

    public func configure(_ config: Config, context: ConverterContext) throws {
        encoding = try config.value(StringConverterSettings.encoding)
    }

    public func serialize(topic: Name, headers: inout [RawHeader], schema: Schema?, value: Value, into buffer: inout ByteBuffer) throws -> Bool {
        switch value {
        case .null: return false
        case .string(let text) where encoding == .utf8: buffer.append(text: text)
        default: try encoding.write(JavaText.of(value), into: &buffer)
        }
        return true
    }

    public func deserialize(topic: Name, headers: [RawHeader], bytes: ByteSlice?) throws -> SchemaAndValue {
        let schema = Schema.plain(.string, optional: true)
        guard let bytes else { return SchemaAndValue(schema: schema, value: .null) }
        guard let text = encoding.read(bytes) else {
            throw ConnectError(
                .data, code: "converter.not_text", "the value's bytes are not valid \(encoding.rawValue)",
                suggestion: "use org.apache.kafka.connect.converters.ByteArrayConverter for bytes")
        }
        return SchemaAndValue(schema: schema, value: .string(text))
    }
}

/// Character sets a text can be stored in.
enum TextEncoding: String, Sendable, CaseIterable {
    case utf8 = "UTF-8"
    case latin1 = "ISO-8859-1"
    case ascii = "US-ASCII"

    /// By any of Java's usual names.
    init?(name: String) {
        switch name.uppercased() {
        case "UTF-8", "UTF8": self = .utf8
        case "ISO-8859-1", "ISO8859_1", "ISO8859-1", "LATIN1": self = .latin1
        case "US-ASCII", "ASCII": self = .ascii
        default: return nil
        }
    }

    func read(_ bytes: ByteSlice) -> String? {
        switch self {
        case .utf8: return bytes.utf8Text
        case .ascii: return bytes.withUnsafeBytes { $0.allSatisfy { $0 < 0x80 } } ? bytes.utf8Text : nil
        case .latin1:
            var scalars = String.UnicodeScalarView()
            bytes.withUnsafeBytes { raw in
                for byte in raw { scalars.append(Unicode.Scalar(byte)) }
            }
            return String(scalars)
        }
    }

    func write(_ text: String, into buffer: inout ByteBuffer) throws {
        if self == .utf8 { return buffer.append(text: text) }
        let limit: UInt32 = self == .latin1 ? 0x100 : 0x80
        for scalar in text.unicodeScalars {
            guard scalar.value < limit else {
                throw DataErrors.invalid("the character \(scalar.escaped(asASCII: true)) does not exist in \(rawValue)", suggestion: "set converter.encoding=UTF-8")
            }
            buffer.append(UInt8(truncatingIfNeeded: scalar.value))
        }
    }
}

enum StringConverterSettings {
    static let encoding = Setting<TextEncoding>(
        "converter.encoding", .string, default: "UTF-8", importance: .high, displayName: "Encoding", recommended: TextEncoding.allCases.map(\.rawValue),
        "The character set of the stored text."
    ) { (text: String) throws(SettingError) -> TextEncoding in
        guard let encoding = TextEncoding(name: text) else {
            throw SettingError("String must be one of: \(TextEncoding.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return encoding
    }
    static let definition = ConfigDefinition().group(nil, encoding, JsonConverterSettings.converterType)
}
