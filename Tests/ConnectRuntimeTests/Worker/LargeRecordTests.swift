import ConnectRuntime
import ConnectTesting
import Testing

/// Records that are large for a transaction of the log, which holds a megabyte here.
@Suite(.serialized) struct LargeRecordTests {
    private static let config: KeyValuePairs<Name, String> = [
        "connector.class": "ScriptedSource", "value.converter": "StringConverter", "key.converter": "LongConverter",
    ]

    private func bench(_ script: SourceScript) throws -> Bench { try Bench([script.plugin], settings: ["log.transaction.max.bytes": "1048576"]) }
    private func text(_ kilobytes: Int) -> Value { .string(String(repeating: "x", count: kilobytes << 10)) }

    @Test func manyMediumRecordsOfOnePollGoInSeveralTransactions() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: (0..<20).map { text($0.isMultiple(of: 2) ? 500 : 700) }, perPoll: 20)
            let bench = try bench(script)
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 19 })
            #expect(bench.end(of: "rows") == 20)
        }
    }

    @Test func aRecordThatFitsIntoNoTransactionIsNamed() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: [text(1), text(2000), text(1)])
            let bench = try bench(script)
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .failed })
            let trace = try herder.status("src").tasks[0].status.trace ?? ""
            #expect(trace.contains("record.too_large"))
            #expect(trace.contains("topic rows"))
            #expect(trace.contains("bytes; the log takes records of at most 1015808"))
            #expect(trace.contains("log.transaction.max.bytes"))
            var tolerant = ConfigMap(Self.config)
            tolerant["errors.tolerance"] = .some("all")
            tolerant["errors.log.enable"] = .some("true")
            _ = try herder.put("src", tolerant, initialState: nil, replacing: true)
            #expect(eventually { script.committed == 2 })
            #expect(bench.end(of: "rows") == 2)
            #expect(bench.lines.text.contains("Executing stage 'KAFKA_PRODUCE'"))
        }
    }

    /// Records that share an offset become durable together, or the source would deliver a part of them twice.
    @Test func recordsThatBelongTogetherAndDoNotFitAreNamed() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: [text(600), text(600)], offsetEvery: 2)
            let bench = try bench(script)
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .failed })
            #expect(try herder.status("src").tasks[0].status.trace?.contains("2 records that become durable together") == true)
            #expect(bench.end(of: "rows") == 0)
        }
    }

    @Test func deadLettersAreSplitToo() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: (0..<8).map { _ in text(400) })
            let sink = SinkScript()
            sink.misbehaviour.always("put", nil)
            let bench = try Bench([script.plugin, sink.plugin], settings: ["log.transaction.max.bytes": "1048576", "sink.batch.max.bytes": "8388608"])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 7 })
            try herder.create(
                "copy",
                [
                    "connector.class": "ScriptedSink", "topics": "rows", "value.converter": "IntegerConverter", "key.converter": "LongConverter",
                    "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "bad",
                ])
            #expect(eventually { bench.end(of: "bad") == 8 })
            #expect(Bench.state(herder, "copy", task: 0) == .running)
        }
    }
}
