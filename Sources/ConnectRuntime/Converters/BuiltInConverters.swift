/// The converters that come with connectd, under Kafka's class names.
public enum BuiltInConverters {
    public static let plugins: [Plugin] =
        [
            Plugin(
                ["org.apache.kafka.connect.json.JsonConverter"], version: BuiltIn.version, definition: JsonConverterSettings.definition,
                summary: "JSON, with the schema in every record or kept beside it.", factory: .converter { JsonConverter() }),
            Plugin(
                ["org.apache.kafka.connect.storage.StringConverter"], version: BuiltIn.version, definition: StringConverterSettings.definition,
                summary: "The text of a value, without its type.", factory: .converter { StringConverter() }),
            Plugin(
                ["org.apache.kafka.connect.converters.ByteArrayConverter"], version: BuiltIn.version,
                definition: ConfigDefinition().group(nil, JsonConverterSettings.converterType), summary: "Bytes as they are.",
                factory: .converter { ByteArrayConverter() }),
        ]
        + NumberConverter.Form.allCases.map { form in
            Plugin(
                [Name("org.apache.kafka.connect.converters.\(form.rawValue)Converter")], version: BuiltIn.version,
                definition: ConfigDefinition().group(nil, JsonConverterSettings.converterType),
                summary: "One \(form.rawValue.lowercased()) in big-endian bytes.", factory: .converter { NumberConverter(form) })
        }
}

/// What all built-in plugins share.
public enum BuiltIn {
    /// The version that lists of plugins show.
    public static let version = "0.1.0"
}
