internal import ConnectRuntime

/// The settings of the file connectors: names, defaults and order as Kafka's own have them.
enum FileStreamSettings {
    static let sourceFile = Setting<String?>(
        "file", .string, absent: .some(nil), importance: .high, width: .none, "The file to read lines from; the standard input where it is left out."
    ) { (text: String) throws(SettingError) -> String? in try path(text) }
    static let topic = Setting<String>(
        "topic", .string, importance: .high, width: .none, "The topic that gets the lines."
    ) { (text: String) throws(SettingError) -> String in
        if text.isEmpty { throw SettingError("String must be non-empty") }
        return text
    }
    static let batchSize = Setting<Int>.int(
        "batch.size", default: 2000, range: 1...Int(Int32.max), importance: .low, width: .none, displayName: "batch.size",
        "Most lines that one poll reads.")
    static let sinkFile = Setting<String?>(
        "file", .string, absent: .some(nil), importance: .high, width: .none, "The file to append to; the standard output where it is left out."
    ) { (text: String) throws(SettingError) -> String? in try path(text) }

    static let source = ConfigDefinition().group(nil, sourceFile, topic, batchSize)
    static let sink = ConfigDefinition().group(nil, sinkFile)

    private static func path(_ text: String) throws(SettingError) -> String? {
        if text.utf8.contains(0) { throw SettingError("holds a NUL character") }
        return text.isEmpty ? nil : text
    }
}

/// What the catalogue shows of the file connectors.
enum FileStreamPlugins {
    static let source = Plugin(
        ["org.apache.kafka.connect.file.FileStreamSourceConnector", "FileStreamSource"], version: ConnectorVersion.text, definition: FileStreamSettings.source,
        summary: "Reads a file's lines into a topic, and waits for more.", factory: .source { FileStreamSource() })
    static let sink = Plugin(
        ["org.apache.kafka.connect.file.FileStreamSinkConnector", "FileStreamSink"], version: ConnectorVersion.text, definition: FileStreamSettings.sink,
        summary: "Appends each record's value to a file as one line.", factory: .sink { FileStreamSink() })
}
