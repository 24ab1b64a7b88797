import ConnectRuntime
import ConnectTesting
import Testing

/// Which topics connectors use (KIP-558): what they read and what they durably wrote, until it is reset.
@Suite(.serialized) struct UsedTopicsTests {
    private static let converters: KeyValuePairs<Name, String> = ["value.converter": "StringConverter", "key.converter": "StringConverter"]
    private static func config(_ pairs: KeyValuePairs<Name, String>) -> ConfigMap {
        var config = ConfigMap(converters)
        for (name, value) in pairs { config[name] = .some(value) }
        return config
    }
    private static func create(_ herder: StandaloneHerder, _ name: Name, _ pairs: KeyValuePairs<Name, String>) throws {
        _ = try herder.put(name, config(pairs), initialState: nil, replacing: false)
    }

    @Test func whatIsReadAndWrittenIsNotedUntilReset() async throws {
        try await onThread {
            let source = SourceScript(topic: "rows", values: [.string("a")]), sink = SinkScript()
            let bench = try Bench([source.plugin, sink.plugin])
            _ = try bench.log.createTopic(TopicSpecification("quiet"))
            let herder = try bench.herder()
            defer { herder.stop() }
            #expect(try herder.topics("src") == [])
            try Self.create(herder, "src", ["connector.class": "ScriptedSource"])
            try Self.create(herder, "snk", ["connector.class": "ScriptedSink", "topics": "rows,quiet"])
            // A topic that a sink is subscribed to and that holds nothing is not used.
            #expect(eventually { (try? herder.topics("snk")) == ["rows"] && (try? herder.topics("src")) == ["rows"] })
            #expect(sink.rows.count == 1)

            try herder.resetTopics("snk")
            #expect(try herder.topics("snk") == [])
            #expect(try herder.topics("src") == ["rows"], "one connector's alone")
            source.add([.string("b")])
            #expect(eventually { (try? herder.topics("snk")) == ["rows"] }, "what is used again is noted again")
            try herder.resetTopics("nobody")

            try herder.remove("src")
            #expect(try herder.topics("src") == [], "with the connector its topics are forgotten")
        }
    }

    @Test func aWorkerThatDoesNotTrackSaysSo() async throws {
        try await onThread {
            func refusal(_ settings: KeyValuePairs<Name, String>, _ body: (StandaloneHerder) throws -> Void) throws -> HerderError? {
                let herder = try Bench([], settings: settings).herder()
                defer { herder.stop() }
                do {
                    try body(herder)
                    return nil
                } catch { return error as? HerderError }
            }
            let disabled = HerderError(.forbidden, "Topic tracking is disabled."), kept = HerderError(.forbidden, "Topic tracking reset is disabled.")
            let refusals = [
                try refusal(["topic.tracking.enable": "false"]) { _ = try $0.topics("a") }, try refusal(["topic.tracking.enable": "false"]) { try $0.resetTopics("a") },
                try refusal(["topic.tracking.allow.reset": "false"]) { _ = try $0.topics("a") }, try refusal(["topic.tracking.allow.reset": "false"]) { try $0.resetTopics("a") },
            ]
            #expect(refusals == [disabled, disabled, nil, kept])
        }
    }

    @Test func nothingIsNotedWhereNobodyAsks() async throws {
        try await onThread {
            let source = SourceScript(topic: "rows", values: [.string("a")]), statuses = MemoryStatusStore()
            let bench = try Bench([source.plugin], settings: ["topic.tracking.enable": "false"])
            let herder = StandaloneHerder(
                settings: bench.settings, log: bench.log, configStore: bench.configs, statusStore: statuses,
                catalogue: PluginCatalogue(bench.plugins + BuiltInConverters.plugins), environment: Environment([:]), logger: .silent)
            try herder.start(workerID: "127.0.0.1:8083")
            defer { herder.stop() }
            try Self.create(herder, "src", ["connector.class": "ScriptedSource"])
            #expect(eventually { source.committed == 0 })
            #expect(statuses.topics(of: "src") == [])
        }
    }
}
