public import ConnectRuntime

/// An example of a transform: writes one text field of the value in capitals.
public final class UppercaseField: Transform {
    /// The name in configurations, the settings, and how one is made.
    public static let plugin = Plugin(
        ["com.example.UppercaseField"], version: "1.0.0", definition: ConfigDefinition().group(nil, fieldSetting),
        summary: "Writes a text field in capitals.", factory: .transform { UppercaseField() })

    static let fieldSetting = Setting<String>.string("field", allowEmpty: false, importance: .high, "The text field to write in capitals.")

    private var field: Name = ""
    /// The schema met last and where the field stands in it: looked up once per schema, not once per record.
    private var resolved: (schema: Schema, index: Int?)?

    public init() {}

    public func configure(_ config: Config) throws {
        field = Name(try config.value(UppercaseField.fieldSetting))
        resolved = nil
    }

    public func apply(_ record: inout Record) throws -> TransformResult {
        switch record.value {
        case .structure(var structure):
            guard let index = index(in: structure.schema) else { return .keep }
            let text = try uppercased(structure[index])
            // Lets go of the record's own reference, so that the struct is changed in place instead of copied.
            record.value = .null
            structure[index] = text
            record.value = .structure(structure)
        case .map(var entries):
            guard let index = entries.firstIndex(where: { $0.key == .string(field.text) }) else { return .keep }
            let text = try uppercased(entries[index].value)
            record.value = .null
            entries[index].value = text
            record.value = .map(entries)
        default: break
        }
        return .keep
    }

    private func index(in schema: Schema) -> Int? {
        if let resolved, resolved.schema === schema { return resolved.index }
        let index = schema.index(of: field)
        resolved = (schema, index)
        return index
    }

    /// Throws before anything was changed: the record may be tried again.
    private func uppercased(_ value: Value) throws -> Value {
        switch value {
        case .string(let text): return .string(text.uppercased())
        case .null: return .null
        default:
            throw ConnectError(
                .data, code: "uppercase.not_text", "the field \(field) holds no text",
                suggestion: "name a text field in the transform's setting \"field\", or remove the transform")
        }
    }
}
