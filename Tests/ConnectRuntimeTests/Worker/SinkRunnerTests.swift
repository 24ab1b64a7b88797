import ConnectRuntime
import ConnectTesting
import Testing

@Suite(.serialized) struct SinkRunnerTests {
    private static let plain: KeyValuePairs<Name, String> = [
        "connector.class": "ScriptedSink", "topics": "rows", "value.converter": "StringConverter", "key.converter": "StringConverter",
    ]
    private static func config(_ more: KeyValuePairs<Name, String>) -> ConfigMap {
        var config = ConfigMap(plain)
        for (name, value) in more { config[name] = .some(value) }
        return config
    }
    private static let later = ConnectError(.retriable, code: "test.later", "connection refused")

    /// Puts texts into topic `rows`.
    private func fill(_ bench: Bench, _ values: [String], partitions: Int32 = 1) throws {
        if try bench.log.topic("rows") == nil { _ = try bench.log.createTopic(TopicSpecification("rows", partitions: partitions)) }
        let producer = try bench.log.openProducer(ProducerID("test/fill"))
        defer { producer.close() }
        for (index, value) in values.enumerated() where index % 100 == 0 {
            _ = value
            var set = RecordSet()
            for text in values[index..<min(values.count, index + 100)] {
                set.append(timestamp: 1000, key: ByteSlice(Array("k".utf8)), value: ByteSlice(Array(text.utf8)), headers: [RawHeader("h", ByteSlice(Array("x".utf8)))])
            }
            try producer.begin()
            try producer.append(set, to: TopicPartition("rows", Int32(index / 100) % partitions))
            let outcome = try producer.commit().wait(milliseconds: 10_000)
            guard case .durable = outcome else { throw ConnectError(.fatal, code: "test", "not durable") }
        }
    }

    private func texts(_ script: SinkScript) -> [String] {
        script.rows.sorted { ($0.place, $0.offset) < ($1.place, $1.offset) }.map { row in
            if case .string(let text) = row.value { return text }
            return "?"
        }
    }

    @Test func everyRecordIsPutOnceInOrderAndTheGroupFollows() async throws {
        try await onThread {
            let script = SinkScript()
            let bench = try Bench([script.plugin], settings: ["sink.batch.max.rows": "37"])
            try fill(bench, (0..<1000).map { "v\($0)" })
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.plain)
            #expect(eventually { script.rows.count == 1000 })
            #expect(script.rows.map(\.offset) == Array(0..<1000))
            #expect(texts(script) == (0..<1000).map { "v\($0)" })
            #expect(script.headers.first?.first?.name == "h")
            #expect(eventually { (try? bench.log.committedOffsets(group: "connect-snk"))?[TopicPartition("rows", 0)]?.offset == 1000 })
        }
    }

    /// Whatever call fails for a while: nothing is lost, nothing comes twice.
    @Test(arguments: ["start", "open", "put.begin", "put.write", "put.end", "preCommit"], [1, 2])
    func retriableFailuresLoseAndDoubleNothing(_ call: String, _ number: Int) async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.plan(call, number, .fail(Self.later))
            let bench = try Bench([script.plugin], settings: ["sink.batch.max.rows": "50"])
            try fill(bench, (0..<300).map { "v\($0)" })
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.plain)
            #expect(eventually { Set(script.rows.map(\.offset)).count == 300 })
            // A sink that asks again for a batch it has written gets it again: that promise is the sink's to keep.
            if call != "put.end" { #expect(script.rows.map(\.offset) == Array(0..<300)) }
        }
    }

    @Test func halfBadHalfGood() async throws {
        try await onThread {
            let script = SinkScript { if case .string(let text) = $0 { text.hasPrefix("bad") } else { false } }
            let bench = try Bench([script.plugin], settings: ["sink.batch.max.rows": "64", "offset.flush.interval.ms": "3600000"])
            try fill(bench, (0..<1000).map { $0 % 2 == 0 ? "good\($0)" : "bad\($0)" })
            let herder = try bench.herder()
            defer { herder.stop() }
            _ = try herder.put(
                "snk",
                Self.config([
                    "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "letters", "errors.deadletterqueue.context.headers.enable": "true",
                ]), initialState: nil, replacing: true)
            #expect(eventually { script.rows.count == 500 && bench.end(of: "letters") == 500 })
            let letters = try bench.records(of: "letters")
            #expect(letters.map(\.value) == (0..<500).map { "bad\($0 * 2 + 1)" })
            let headers = Dictionary(letters[0].headers.map { ($0.name.text, $0.value?.utf8Text ?? "") }) { first, _ in first }
            #expect(headers["h"] == "x")
            #expect(headers["__connect.errors.topic"] == "rows")
            #expect(headers["__connect.errors.offset"] == "1")
            #expect(headers["__connect.errors.stage"] == "TASK_PUT")
            #expect(headers["__connect.errors.exception.message"] == "the target does not take this value")
            // Each letter has a row; they go when the group has passed them, at the end here.
            #expect(try bench.log.progress(prefix: DeadLetterKey.prefix(connector: "snk")).count == 500)
            herder.stop()
            #expect(try bench.log.progress(prefix: DeadLetterKey.prefix(connector: "snk")).isEmpty)
        }
    }

    @Test(arguments: [100, 5000]) func malformedValuesBecomeLettersInOrder(_ count: Int) async throws {
        try await onThread {
            let script = SinkScript()
            let bench = try Bench([script.plugin])
            try fill(bench, (0..<count).map { $0 % 2 == 0 ? "{\"n\":\($0)}" : "{\"n\":\($0)" })
            let herder = try bench.herder()
            defer { herder.stop() }
            _ = try herder.put(
                "snk",
                Self.config([
                    "value.converter": "JsonConverter", "value.converter.schemas.enable": "false", "errors.tolerance": "all",
                    "errors.deadletterqueue.topic.name": "letters",
                ]), initialState: nil, replacing: true)
            #expect(eventually { script.rows.count == count / 2 && bench.end(of: "letters") == count / 2 })
            #expect(try bench.records(of: "letters").map(\.value) == (0..<count / 2).map { "{\"n\":\($0 * 2 + 1)" })
            #expect(script.rows.map(\.offset) == (0..<count / 2).map { Int64($0 * 2) })
            #expect(
                script.rows.map(\.value) == (0..<count / 2).map { .map([Value.MapEntry(key: .string("n"), value: .int64(Int64($0 * 2)))]) })
        }
    }

    /// Whichever thread reads a record: the first that is malformed is named, and nothing from there on is put.
    @Test(arguments: [0, 700, 1999])
    func withoutToleranceTheFirstMalformedRecordIsNamed(_ bad: Int) async throws {
        try await onThread {
            let script = SinkScript()
            let bench = try Bench([script.plugin])
            try fill(bench, (0..<2000).map { $0 < bad ? "{\"n\":\($0)}" : "{\"n\":" })
            let herder = try bench.herder()
            defer { herder.stop() }
            _ = try herder.put(
                "snk", Self.config(["value.converter": "JsonConverter", "value.converter.schemas.enable": "false"]), initialState: nil, replacing: true)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .failed })
            let trace = try herder.status("snk").tasks.first?.status.trace ?? ""
            #expect(trace.contains("rows/0@\(bad):"), Comment(rawValue: trace))
            #expect(script.rows.allSatisfy { $0.offset < bad })
        }
    }

    /// A thread that ignores its stop is given up: its partitions go to the next run at once, and what it still writes is refused (P5).
    @Test(arguments: ["put.begin", "put.write", "open", "start"])
    func anAbandonedThreadFreesItsPartitionsAndCannotWrite(_ call: String) async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.plan(call, 1, .block)
            let bench = try Bench([script.plugin], settings: ["task.shutdown.graceful.timeout.ms": "50"])
            try fill(bench, (0..<100).map { "v\($0)" })
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.plain)
            #expect(eventually { script.misbehaviour.blocked == 1 })
            try herder.restartTask("snk", task: 0)
            #expect(eventually { script.rows.count == 100 })
            #expect(script.misbehaviour.blocked == 1)
            script.misbehaviour.release()
            #expect(eventually { bench.lines.text.contains("a former run of this task, given up before, has ended") })
            #expect(script.rows.map(\.offset) == Array(0..<100))
            #expect(script.refused == (call == "put.write" ? 1 : 0))
            #expect(Bench.state(herder, "snk", task: 0) == .running)
            #expect(eventually { (try? bench.log.committedOffsets(group: "connect-snk"))?[TopicPartition("rows", 0)]?.offset == 100 })
        }
    }

    @Test(arguments: ["topics", "topics.regex"])
    func aSinkThatIsThereBeforeItsTopicGetsItsRecords(_ setting: String) async throws {
        try await onThread {
            let script = SinkScript()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            var config = ConfigMap(["connector.class": "ScriptedSink", "value.converter": "StringConverter", "key.converter": "StringConverter"])
            config[Name(setting)] = .some("rows")
            _ = try herder.put("snk", config, initialState: nil, replacing: true)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .running })
            try fill(bench, ["a", "b"])
            #expect(eventually { texts(script) == ["a", "b"] })
        }
    }

    /// The worker dies between the dead letters and the target's commit: on replay the letters are known, the rest is written once (D7).
    @Test func lettersComeOnceThroughADeath() async throws {
        try await onThread {
            let script = SinkScript { if case .string(let text) = $0 { text.hasPrefix("bad") } else { false } }
            script.misbehaviour.plan("put.write", 3, .block)
            let bench = try Bench([script.plugin], settings: ["sink.batch.max.rows": "50", "task.shutdown.graceful.timeout.ms": "50"])
            try fill(bench, (0..<400).map { $0 % 2 == 0 ? "good\($0)" : "bad\($0)" })
            let config = Self.config(["errors.tolerance": "all", "errors.deadletterqueue.topic.name": "letters"])
            let first = try bench.herder()
            _ = try first.put("snk", config, initialState: nil, replacing: true)
            #expect(eventually { script.misbehaviour.blocked == 1 })
            #expect(bench.end(of: "letters") == 75)
            first.stop(milliseconds: 0)
            let second = try bench.herder()
            defer { second.stop() }
            // The zombie holds its place in the group until it is found missing; its writes are refused whenever they come.
            script.misbehaviour.release()
            #expect(eventually { script.rows.count == 200 && bench.end(of: "letters") == 200 })
            #expect(texts(script) == (0..<200).map { "good\($0 * 2)" })
            #expect(try bench.records(of: "letters").map(\.value) == (0..<200).map { "bad\($0 * 2 + 1)" })
        }
    }

    /// Without tolerance the letter is written and the task fails, naming the record; started again it fails again without a second letter.
    @Test func withoutToleranceTheFirstBadRecordIsNamed() async throws {
        try await onThread {
            let script = SinkScript { if case .string(let text) = $0 { text.hasPrefix("bad") } else { false } }
            let bench = try Bench([script.plugin])
            try fill(bench, (0..<20).map { $0 == 13 ? "bad" : "v\($0)" })
            let herder = try bench.herder()
            defer { herder.stop() }
            _ = try herder.put("snk", Self.config(["errors.deadletterqueue.topic.name": "letters"]), initialState: nil, replacing: true)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .failed })
            let trace = try herder.status("snk").tasks[0].status.trace ?? ""
            #expect(trace.contains("rows/0@13") && trace.contains("the target does not take this value") && trace.contains("mend the value"))
            #expect(bench.end(of: "letters") == 1)
            try herder.restartTask("snk", task: 0)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .failed && script.misbehaviour.count("put.begin") >= 2 })
            #expect(bench.end(of: "letters") == 1)
            #expect(script.rows.isEmpty)
        }
    }

    @Test func withoutLettersToleranceCountsAndLogs() async throws {
        try await onThread {
            let script = SinkScript { if case .string(let text) = $0 { text.hasPrefix("bad") } else { false } }
            let bench = try Bench([script.plugin])
            try fill(bench, ["a", "bad", "b"])
            let herder = try bench.herder()
            defer { herder.stop() }
            _ = try herder.put("snk", Self.config(["errors.tolerance": "all"]), initialState: nil, replacing: true)
            #expect(eventually { script.rows.count == 2 })
            #expect(eventually { bench.lines.text.contains("record rows/0@1 is passed over") })
            #expect(try herder.status("snk").warnings.contains { $0.code == "errors.skipped_without_dead_letters" })
        }
    }

    @Test func newTopicsJoinByPattern() async throws {
        try await onThread {
            let script = SinkScript()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            var config = Self.config(["topics.regex": "ro.s"])
            config["topics"] = .none
            _ = try herder.put("snk", config, initialState: nil, replacing: true)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .running })
            try fill(bench, ["a"])
            #expect(eventually { script.rows.count == 1 })
        }
    }

    @Test func pausedItStandsStillAndKeepsItsPartitions() async throws {
        try await onThread {
            let script = SinkScript()
            let bench = try Bench([script.plugin])
            try fill(bench, ["a"])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.plain)
            #expect(eventually { script.rows.count == 1 })
            try herder.setTargetState("snk", .paused)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .paused })
            try fill(bench, ["b"])
            #expect(script.assigned.count == 1)
            try herder.setTargetState("snk", .started)
            #expect(eventually { script.rows.count == 2 })
        }
    }

    @Test func whileThePutIsRetriedItIsShown() async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.always("put.begin", .fail(Self.later))
            let bench = try Bench([script.plugin])
            try fill(bench, ["a", "b"])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.plain)
            #expect(eventually { (try? herder.status("snk"))?.tasks.first?.note?.contains("connection refused") == true })
            script.misbehaviour.always("put.begin", nil)
            #expect(eventually { script.rows.count == 2 })
            #expect(eventually { (try? herder.status("snk"))?.tasks.map(\.note) == [nil] })
        }
    }
}
