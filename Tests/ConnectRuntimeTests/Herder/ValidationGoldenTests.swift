import ConnectRuntime
import Testing

/// The validation answers of Apache Kafka Connect 4.3.1, case by case: the keys, their definitions in order, values and messages.
@Suite struct ValidationGoldenTests {
    private final class NoSource: SourceConnector {
        func start(_ config: Config, context: any ConnectorContext) throws {}
        func taskConfigs(maximum: Int) throws -> [ConfigMap] { [] }
        func stop() {}
        func makeTask() -> any SourceTask { NoTask() }
        func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport { .supported }
    }
    private final class NoTask: SourceTask {
        func start(_ config: Config, context: any SourceTaskContext) throws {}
        func poll(into batch: inout RecordBatch) throws {}
        func stop() {}
    }
    private final class NoSink: SinkConnector {
        func start(_ config: Config, context: any ConnectorContext) throws {}
        func taskConfigs(maximum: Int) throws -> [ConfigMap] { [] }
        func stop() {}
        func makeTask() -> any SinkTask { NoSinkTask() }
    }
    private final class NoSinkTask: SinkTask {
        func start(_ config: Config, context: any SinkTaskContext) throws {}
        func put(_ batch: RecordBatch) throws {}
        func stop() {}
    }

    private static let file = Setting<String?>.optionalString("file", importance: .high, "")
    private static let topic = Setting<String>.string("topic", importance: .high, "")
    private static let batchSize = Setting<Int>.int("batch.size", default: 2000, importance: .low, "")
    private static let catalogue = PluginCatalogue(
        [
            Plugin(
                ["org.apache.kafka.connect.file.FileStreamSourceConnector"], version: "4.3.1", definition: ConfigDefinition().group(nil, file, topic, batchSize),
                summary: "", factory: .source { NoSource() }),
            Plugin(
                ["org.apache.kafka.connect.file.FileStreamSinkConnector"], version: "4.3.1", definition: ConfigDefinition().group(nil, file), summary: "",
                factory: .sink { NoSink() }),
        ] + BuiltInConverters.plugins + BuiltInTransforms.plugins)

    private static let validator = ConfigValidator(catalogue: catalogue, references: ReferenceResolver(Environment([:])))

    /// Ours is stricter or says it in other words: an unknown predicate is an error before it fails the task; expressions are PCRE2's.
    private static let otherWords = ["\"nope\"", "Invalid regex"]

    private static func isReport(_ json: JSON) -> Bool {
        let text = json.serializedText
        return json["request"]?["path"]?.text?.contains("validate") == true && json["answer"]?["body"]?["configs"] != nil && !otherWords.contains(where: text.contains)
    }

    @Test(arguments: try Golden.cases("validate.jsonl", where: isReport)) func reports(_ golden: Golden.Case) throws {
        let map = try ConfigMap(json: try #require(golden.json["request"]?["body"]))
        let report = Self.validator.report(try Self.validator.plugin(map), map)
        let expected = try #require(golden.json["answer"]?["body"])
        #expect(JSON.integer(Int64(report.errorCount)) == expected["error_count"])
        let configs = try #require(expected["configs"]?.elements)
        #expect(!configs.isEmpty)
        for config in configs {
            guard let name = config["definition"]?["name"]?.text, !name.contains("plugin.version"), !name.contains(".override.") else { continue }
            let item = try #require(report.items.first { $0.name == Name(name) }, "\(name)")
            let key = try #require(item.definition)
            let definition = config["definition"]
            #expect(key.type.rawValue == definition?["type"]?.text, "\(name)")
            #expect(key.importance.rawValue == definition?["importance"]?.text, "\(name)")
            #expect(key.group == definition?["group"]?.text, "\(name)")
            #expect(item.errors == config["value"]?["errors"]?.elements?.compactMap(\.text), "\(name)")
            let isOwn = ["file", "topic", "batch.size"].contains(name) || name.hasPrefix("transforms.") || name.hasPrefix("predicates.")
            if !isOwn {
                #expect(JSON.integer(Int64(key.order)) == definition?["order_in_group"], "\(name)")
                #expect(key.width.rawValue == definition?["width"]?.text, "\(name)")
                #expect(key.displayName == definition?["display_name"]?.text, "\(name)")
            }
            let isDefaulted = name.hasSuffix("converter")
            if !isDefaulted { #expect(item.value == config["value"]?["value"]?.text, "\(name)") }
        }
        let names = report.items.compactMap { $0.definition?.group == "Common" ? $0.name.text : nil }
        let order = (expected["configs"]?.elements ?? []).compactMap { $0["definition"]?["group"]?.text == "Common" ? $0["definition"]?["name"]?.text : nil }
        #expect(names == order)
    }

    private static func isRefusal(_ json: JSON) -> Bool {
        json["request"]?["path"]?.text == "/connectors" && json["answer"]?["body"]?["message"]?.text?.hasPrefix("Connector configuration is invalid") == true
    }

    @Test(arguments: try Golden.cases("validate.jsonl", where: isRefusal)) func refusals(_ golden: Golden.Case) throws {
        let expected = try #require(golden.json["answer"]?["body"]?["message"]?.text)
        let body = try #require(golden.json["request"]?["body"])
        var map = try ConfigMap(json: body["config"] ?? .object([]))
        if map["name"] == nil { map["name"] = .some(body["name"]?.text ?? "") }
        let report = Self.validator.report(try Self.validator.plugin(map), map)
        let lines = expected.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().dropLast().joined(separator: "\n")
        #expect(report.items.flatMap(\.errors).joined(separator: "\n") == lines)
    }
}
