import ConnectRuntime
import ConnectTesting
import Testing

@Suite(.serialized) struct StandaloneHerderTests {
    private static let config: KeyValuePairs<Name, String> = [
        "connector.class": "ScriptedSource", "value.converter": "StringConverter", "key.converter": "StringConverter",
    ]
    private func script(_ count: Int = 5) -> SourceScript { SourceScript(topic: "rows", values: (0..<count).map { .string("v\($0)") }) }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was thrown"
        } catch { return "\(error)" }
    }

    @Test func whatWasCreatedStaysAcrossARestart() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let first = try bench.herder()
            try first.create("src", Self.config)
            try first.create("resting", Self.config, state: .paused)
            #expect(eventually { script.committed == 4 && Bench.state(first, "resting") == .paused })
            first.stop()
            let second = try bench.herder()
            defer { second.stop() }
            #expect(try second.connectors() == ["resting", "src"])
            #expect(eventually { Bench.state(second, "src", task: 0) == .running })
            #expect(eventually { Bench.state(second, "resting") == .paused })
            #expect(try second.status("resting").tasks.isEmpty)
        }
    }

    @Test func aFileIsAPutThatKeepsTheTargetState() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let first = try bench.herder()
            try first.create("src", Self.config)
            #expect(eventually { Bench.state(first, "src", task: 0) == .running })
            try first.setTargetState("src", .paused)
            #expect(eventually { Bench.state(first, "src") == .paused })
            first.stop()
            let second = StandaloneHerder(
                settings: bench.settings, log: bench.log, configStore: bench.configs, catalogue: PluginCatalogue(bench.plugins + BuiltInConverters.plugins),
                environment: Environment([:]), logger: .silent)
            var config = ConfigMap(Self.config)
            config["label"] = .some("from a file")
            try second.start(workerID: "w:1", applying: [("src", config, nil)])
            defer { second.stop() }
            #expect(eventually { Bench.state(second, "src") == .paused && Bench.state(second, "src", task: 0) == .paused })
            #expect(try second.config("src").text("label") == "from a file")
        }
    }

    @Test func whatAConfigurationIsWarnedOfIsSaidAfterARestartToo() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let first = try bench.herder()
            var config = ConfigMap(Self.config)
            config["labl"] = .some("a typing mistake")
            _ = try first.put("src", config, initialState: nil, replacing: true)
            #expect(eventually { Bench.state(first, "src", task: 0) == .running })
            let warned = try first.status("src").warnings
            #expect(warned.map(\.setting) == ["labl"])
            first.stop()
            let second = try bench.herder()
            defer { second.stop() }
            #expect(eventually { (try? second.status("src").warnings) == warned })
        }
    }

    @Test func unchangedTasksAreLeftAlone() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 4 })
            try herder.create("src", Self.config)
            try herder.restartConnector("src")
            #expect(script.misbehaviour.count("connector.start") >= 2)
            #expect(script.epochs.count == 1)
            var changed = ConfigMap(Self.config)
            changed["label"] = .some("b")
            #expect(try !herder.put("src", changed, initialState: nil, replacing: true).isNew)
            #expect(eventually { script.epochs.count == 2 })
            #expect(try herder.patch("src", ConfigMap([ConfigMap.Entry("label", nil)])).config.text("label") == nil)
            #expect(eventually { script.epochs.count == 3 })
        }
    }

    @Test func stopEndsTasksAndResumeMakesThemAgain() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 4 })
            try herder.setTargetState("src", .stopped)
            #expect(eventually { Bench.state(herder, "src") == .stopped })
            #expect(try herder.status("src").tasks.isEmpty)
            #expect(try herder.info("src").tasks.isEmpty)
            #expect(script.stops == 1)
            try herder.restartConnector("src")
            #expect(Bench.state(herder, "src") == .stopped)
            try herder.setTargetState("src", .started)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .running })
        }
    }

    /// The status tells the version of a connector that never ran, as of any other.
    @Test(arguments: [(TargetState.stopped, Status.State.stopped), (.paused, .paused)])
    func whatNeverRanHasAVersion(_ target: TargetState, _ expected: Status.State) async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config, state: target)
            #expect(eventually { Bench.state(herder, "src") == expected })
            #expect(try herder.status("src").connector.status.version == script.plugin.version)
            #expect(script.misbehaviour.count("connector.start") == 0)
        }
    }

    @Test func aRestartByPlanTakesTheFailedOnly() async throws {
        try await onThread {
            let script = script()
            script.misbehaviour.plan("poll", 1, .fail(ConnectError(.fatal, code: "x", "broken")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .failed })
            let answer = try herder.restart("src", onlyFailed: true, includeTasks: true)
            #expect(answer.connector.status.state == .running)
            #expect(answer.tasks.map(\.status.state) == [.restarting])
            #expect(eventually { Bench.state(herder, "src", task: 0) == .running })
            #expect(try herder.restart("src", onlyFailed: true, includeTasks: true).tasks.map(\.status.state) == [.running])
            #expect(script.misbehaviour.count("connector.start") == 1)
        }
    }

    @Test func aConnectorThatCannotStartIsFailedAndSaysWhy() async throws {
        try await onThread {
            let script = script()
            script.misbehaviour.always("connector.start", .fail(ConnectError(.fatal, code: "x", "no such database")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { Bench.state(herder, "src") == .failed })
            #expect(try herder.status("src").connector.status.trace?.contains("no such database") == true)
            #expect(message { try herder.restartConnector("src") }.contains("Failed to start connector src"))
            script.misbehaviour.always("connector.start", nil)
            try herder.restartConnector("src")
            #expect(eventually { script.committed == 4 })
        }
    }

    @Test func aSplitThatFailsIsTriedAgainAndShown() async throws {
        try await onThread {
            let script = script()
            script.misbehaviour.plan("taskConfigs", 1, .fail(ConnectError(.retriable, code: "x", "catalog is locked")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 4 })
            #expect(Bench.state(herder, "src") == .running)
        }
    }

    /// Also after a run that failed for good: what is shown is why it does not run now.
    @Test func aTaskThatHasNeverStartedIsShownWithWhatItWaitsFor() async throws {
        try await onThread {
            let script = script()
            script.misbehaviour.always("start", .fail(ConnectError(.retriable, code: "x", "nobody answers")))
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            func waits() -> Bool {
                let task = try? herder.status("src").tasks.first
                return task?.status.state == .unassigned && task?.status.trace == nil && task?.note?.contains("nobody answers") == true
            }
            try herder.create("src", Self.config)
            #expect(eventually { waits() })
            script.misbehaviour.always("start", .fail(ConnectError(.fatal, code: "x", "refused")))
            #expect(eventually { Bench.state(herder, "src", task: 0) == .failed })
            script.misbehaviour.always("start", .fail(ConnectError(.retriable, code: "x", "nobody answers")))
            try herder.restartTask("src", task: 0)
            #expect(eventually { waits() })
            script.misbehaviour.always("start", nil)
            #expect(eventually { Bench.state(herder, "src", task: 0) == .running })
        }
    }

    @Test func deletionForgetsAllButTheOffsets() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 4 })
            try herder.remove("src")
            #expect(message { _ = try herder.status("src") } == "No status found for connector src")
            #expect(message { _ = try herder.info("src") } == "Connector src not found")
            #expect(message { try herder.remove("src") } == "Connector src not found")
            #expect(script.stops == 1)
            script.add([.string("v5")])
            try herder.create("src", Self.config)
            #expect(eventually { script.committed == 5 })
            #expect(try bench.records(of: "rows").count == 6)
        }
    }

    @Test func theWordsOfRefusals() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin, SinkScript().plugin])
            let herder = try bench.herder()
            defer { herder.stop() }
            #expect(message { try herder.create("a", ["name": "b", "connector.class": "ScriptedSource"]) } == "Connector name configuration (b) doesn't match connector name in the URL (a)")
            #expect(message { try herder.create("a", [:]) } == "Connector config {name=a} contains no connector type")
            #expect(message { try herder.create("a", ["connector.class": "NoSuch"]) }.hasPrefix("Failed to find any class that implements Connector and which name matches NoSuch"))
            #expect(
                message { try herder.create("a", ["connector.class": "ScriptedSink"]) }
                    == "Connector configuration is invalid and contains the following 2 error(s):\nMust configure one of topics or topics.regex\nMust configure one of topics or topics.regex\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`")
            try herder.create("src", Self.config)
            #expect(message { _ = try herder.put("src", ConfigMap(Self.config), initialState: nil, replacing: false) } == "Connector src already exists")
            #expect(message { try herder.setTargetState("x", .paused) } == "Unknown connector x")
            #expect(message { try herder.restartConnector("x") } == "Unknown connector: x")
            #expect(message { try herder.restartTask("src", task: 7) } == "Unknown task: src-7")
            #expect(message { _ = try herder.taskStatus("src", task: 9) } == "No status found for task src-9")
            #expect(message { _ = try herder.validate(plugin: "ScriptedSink", ConfigMap(Self.config)) } == "Included connector type ScriptedSource does not match request type ScriptedSink")
        }
    }

    @Test func secretsNeverComeOutAndAreKept() async throws {
        try await onThread {
            let script = script()
            let bench = try Bench([script.plugin])
            let herder = try bench.herder(environment: Environment(["PW": "from-env"]))
            defer { herder.stop() }
            var config = ConfigMap(Self.config)
            config["connection.password"] = .some("s3cret")
            let info = try herder.put("src", config, initialState: nil, replacing: true).info
            #expect(info.config.text("connection.password") == "[hidden]")
            #expect(eventually { (try? herder.tasks("src"))?.count == 1 })
            #expect(try herder.tasks("src")[0].text("connection.password") == "[hidden]")
            _ = try herder.put("src", info.config, initialState: nil, replacing: true)
            #expect(try bench.configs.snapshot().connectors["src"]?.config.text("connection.password") == "s3cret")
            config["connection.password"] = .some("${env:PW}")
            #expect(try herder.put("src", config, initialState: nil, replacing: true).info.config.text("connection.password") == "${env:PW}")
            #expect(eventually { (try? bench.configs.snapshot())?.connectors["src"]?.tasks?.configs.first?.text("connection.password") == "${env:PW}" })
            #expect(!bench.lines.text.contains("s3cret") && !bench.lines.text.contains("from-env"))
        }
    }
}
