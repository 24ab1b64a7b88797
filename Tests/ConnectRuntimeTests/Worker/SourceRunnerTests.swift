import ConnectRuntime
import ConnectTesting
import Testing

@Suite(.serialized) struct SourceRunnerTests {
    private func numbers(_ count: Int) -> [Value] { (0..<count).map { .string("v\($0)") } }
    private static let plain: KeyValuePairs<Name, String> = [
        "connector.class": "ScriptedSource", "value.converter": "StringConverter", "key.converter": "StringConverter",
    ]

    @Test func everyRecordArrivesOnceInOrderAndIsToldAfterwards() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(1000))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.plain)
            #expect(eventually { script.committed == 999 })
            #expect(try bench.records(of: "rows").map(\.value) == (0..<1000).map { "v\($0)" })
            #expect(script.commits == script.commits.sorted())
            #expect(Bench.state(herder, "src", task: 0) == .running)
        }
    }

    /// A source that fails, in any of its calls, is brought back and goes on from what is durable: nothing lost, nothing twice (P1, P5).
    @Test(arguments: ["start", "poll", "committed"], [1, 2, 5])
    func retriableFailuresLoseAndDoubleNothing(_ call: String, _ number: Int) async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(200), offsetEvery: 5)
            script.misbehaviour.plan(call, number, .fail(ConnectError(.retriable, code: "test.later", "not yet")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.plain)
            #expect(eventually { script.committed == 199 })
            #expect(try bench.records(of: "rows").map(\.value) == (0..<200).map { "v\($0)" })
        }
    }

    @Test func afterAStopItGoesOnWhereItWas() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(300))
            let bench = try Bench([script.plugin])
            let first = try bench.herder()
            try first.create("src", Self.plain)
            #expect(eventually { bench.end(of: "rows") >= 50 })
            first.stop()
            #expect(Bench.state(first, "src", task: 0) == .unassigned)
            script.add((300..<400).map { .string("v\($0)") })
            let second = try bench.herder()
            defer { second.stop() }
            #expect(eventually { script.committed == 399 })
            #expect(try bench.records(of: "rows").map(\.value) == (0..<400).map { "v\($0)" })
            #expect(script.epochs.count == 2 && script.epochs[1] > script.epochs[0])
        }
    }

    @Test func aFatalErrorFailsTheTaskWithItsWords() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(100))
            script.misbehaviour.plan("poll", 3, .fail(ConnectError(.fatal, code: "test.broken", "table orders is gone", suggestion: "bring it back")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.plain)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .failed })
            let status = try herder.status("src")
            #expect(status.connector.status.state == .running)
            #expect(status.tasks[0].status.trace?.contains("table orders is gone") == true)
            #expect(status.tasks[0].status.trace?.contains("bring it back") == true)
            #expect(script.stops == 1)
            try herder.restartTask("src", task: 0)
            #expect(eventually { script.committed == 99 })
            #expect(try bench.records(of: "rows").count == 100)
        }
    }

    @Test func whatItWaitsForIsShown() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(10))
            script.misbehaviour.always("poll", .fail(ConnectError(.retriable, code: "test.later", "database is locked")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.plain)
            #expect(eventually { (try? herder.status("src"))?.tasks.first?.note?.contains("database is locked") == true })
            #expect(Bench.state(herder, "src", task: 0) == .running)
            script.misbehaviour.always("poll", nil)
            #expect(eventually { script.committed == 9 })
            #expect(eventually { (try? herder.status("src"))?.tasks.map(\.note) == [nil] })
        }
    }

    /// A thread that ignores its stop is given up: its session is fenced, so what it still writes is refused (D2, P5).
    @Test func anAbandonedThreadCannotWrite() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(100))
            script.misbehaviour.plan("poll", 4, .block)
            let bench = try Bench([script.plugin], settings: ["task.shutdown.graceful.timeout.ms": "100"])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.plain)
            #expect(eventually { script.misbehaviour.blocked == 1 })
            try herder.restartTask("src", task: 0)
            #expect(eventually { script.committed == 99 })
            #expect(try herder.status("src").connector.note?.contains("stuck in poll") == true)
            script.misbehaviour.release()
            #expect(eventually { (try? herder.status("src")).map { $0.connector.note == nil } == true })
            #expect(try bench.records(of: "rows").map(\.value) == (0..<100).map { "v\($0)" })
            #expect(Bench.state(herder, "src", task: 0) == .running)
        }
    }

    @Test func aValueThatCannotBeConvertedFailsOrIsPassedOver() async throws {
        try await onThread {
            var values = numbers(20)
            values[7] = .int64(7)
            let script = SourceScript(topic: "rows", values: values)
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            let config: KeyValuePairs<Name, String> = [
                "connector.class": "ScriptedSource", "value.converter": "ByteArrayConverter", "key.converter": "StringConverter",
            ]
            try herder.create("src", config)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .failed })
            #expect(try herder.status("src").tasks[0].status.trace?.contains("VALUE_CONVERTER") == true)
            #expect(try bench.records(of: "rows").isEmpty)
            var tolerant = ConfigMap(config)
            tolerant["errors.tolerance"] = .some("all")
            tolerant["errors.log.enable"] = .some("true")
            _ = try herder.put("src", tolerant, initialState: nil, replacing: true)
            // Strings are no bytes either: everything is passed over, and the offsets advance all the same (P1).
            #expect(eventually { script.committed == 19 })
            #expect(bench.end(of: "rows") == 0)
            #expect(bench.lines.text.contains("Error encountered in task src-source-0. Executing stage 'VALUE_CONVERTER' with class 'ByteArrayConverter'"))
            #expect(try herder.status("src").warnings.contains { $0.code == "errors.skipped_without_dead_letters" })
        }
    }

    @Test func pausedItStandsStill() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: numbers(10))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.plain)
            #expect(eventually { script.committed == 9 })
            try herder.setTargetState("src", .paused)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .paused && Bench.state(herder, "src") == .paused })
            let polls = script.misbehaviour.count("poll")
            script.add((10..<20).map { .string("v\($0)") })
            #expect(script.misbehaviour.count("poll") == polls)
            try herder.setTargetState("src", .started)
            #expect(eventually { script.committed == 19 })
            #expect(script.epochs.count == 1)
        }
    }

    /// Who means "never" writes Java's largest number: more nanoseconds than there are. It is a long time, not the worker's end (P9).
    @Test func theLargestIntervalsAreLongTimes() async throws {
        try await onThread {
            let never = String(Int64.max)
            let script = SourceScript(topic: "rows", values: numbers(100))
            let bench = try Bench([script.plugin], settings: ["offset.flush.timeout.ms": never, "task.shutdown.graceful.timeout.ms": never])
            let herder = try bench.herder()
            var config = ConfigMap(Self.plain)
            config["transaction.boundary"] = .some("interval")
            config["transaction.boundary.interval.ms"] = .some(never)
            _ = try herder.put("src", config, initialState: nil, replacing: true)
            #expect(eventually { script.misbehaviour.count("poll") > 10 })
            #expect(bench.end(of: "rows") == 0)
            herder.stop()
            #expect(try bench.records(of: "rows").map(\.value) == (0..<100).map { "v\($0)" })
        }
    }
}
