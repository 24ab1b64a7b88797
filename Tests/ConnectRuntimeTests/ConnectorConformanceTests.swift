import ConnectRuntime
import ConnectTesting
import Testing

/// The suites judge the scripted connectors first: what they promise to authors is promised here.
@Suite(.serialized) struct ConnectorConformanceTests {
    @Test(arguments: SourceConnectorConformance.cases)
    func theScriptedSourceKeepsToItsContract(_ conformance: ConformanceCase<SourceSubject>) async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: [], perPoll: 5, offsetEvery: 1)
            try conformance.run(
                SourceSubject(plugin: script.plugin, config: ConfigMap(["label": "x"])) { count in
                    script.add((0..<count).map { .string("v\($0)") })
                })
        }
    }

    @Test(arguments: SinkConnectorConformance.cases)
    func theScriptedSinkKeepsToItsContract(_ conformance: ConformanceCase<SinkSubject>) async throws {
        try await onThread {
            let script = SinkScript()
            try conformance.run(
                SinkSubject(plugin: script.plugin, config: ConfigMap(["label": "x"]), record: { Record(topic: "t", value: .int64(Int64($0))) }) {
                    script.rows.compactMap { if case .int64(let number) = $0.value { Int(number) } else { nil } }.sorted()
                })
        }
    }

    @Test func aSinkThatLosesRecordsIsFound() async throws {
        try await onThread {
            let script = SinkScript { if case .int64(3) = $0 { true } else { false } }
            let subject = SinkSubject(plugin: script.plugin, config: ConfigMap(), record: { Record(topic: "t", value: .int64(Int64($0))) }) {
                script.rows.compactMap { if case .int64(let number) = $0.value { Int(number) } else { nil } }.sorted()
            }
            let arrives = SinkConnectorConformance.cases.first { $0.name == "batches arrive" }
            #expect(throws: ConformanceFailure.self) { try arrives?.run(subject) }
        }
    }
}
