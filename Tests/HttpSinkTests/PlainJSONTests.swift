import ConnectRuntime
import ConnectTesting
import Connectors
import Testing

/// Values that come as bytes, because those are the body already.
@Suite(.serialized)
struct PlainJSONTests {
    private static func harness(_ server: ScriptedServer, _ settings: [(Name, String)] = []) throws -> SinkHarness {
        try SinkHarness(HttpSinkTests.plugin, HttpSinkTests.pairs([("http.url", server.url + "/hook"), ("retry.backoff.ms", "5"), ("retry.backoff.max.ms", "20")] + settings))
    }

    private static func record(_ number: Int) -> Record {
        Record(topic: "t", key: .string("\(number)"), value: .map([.init(key: .string("n"), value: .int64(Int64(number))), .init(key: .string("text"), value: .string("ü"))]))
    }

    @Test func whatIsSentIsTheSame() async throws {
        let server = try ScriptedServer { request, _ in .status(request.text.contains("13") ? 400 : 200) }
        defer { server.stop() }
        let reports = try await onThread {
            try [false, true].map { arePlainJSON in
                let harness = try Self.harness(server)
                defer { harness.stop() }
                try harness.put((0..<20).map(Self.record), arePlainJSON: arePlainJSON)
                try harness.finish()
                return harness.context.whatHappened
            }
        }
        #expect(reports.map { $0.deadLetters.map(\.offset) } == [[13], [13]])
        func sent(_ requests: some Sequence<ScriptedRequest>) -> [String] { requests.map { "\($0.method) \($0.target) \($0.header("Idempotency-Key") ?? "") \($0.header("Content-Type") ?? "") \($0.text)" }.sorted() }
        let requests = server.requests
        #expect(requests.count == 40)
        #expect(sent(requests.prefix(20)) == sent(requests.suffix(20)))
        #expect(requests.contains { $0.text == #"{"n":7,"text":"ü"}"# })
    }

    @Test func onlyWhereNothingElseIsMadeOfTheValue() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let rows: [(settings: [(Name, String)], takes: Bool)] = [
            ([], true), ([("http.headers.additional", "X-A:fixed")], true), ([("http.headers.from.record", "X-B")], true), ([("http.headers.additional", "X-A:${value.n}")], false),
            ([("http.url", server.url + "/${value.n}")], false), ([("batching.enabled", "true")], false), ([("http.body", "record")], false),
        ]
        try await onThread {
            for row in rows {
                let url: [(Name, String)] = row.settings.contains { $0.0 == "http.url" } ? [] : [(Name("http.url"), server.url)]
                let harness = try SinkHarness(HttpSinkTests.plugin, HttpSinkTests.pairs(url + row.settings))
                defer { harness.stop() }
                #expect((harness.task as? any PlainJSONSink)?.takesPlainJSON == row.takes, "\(row.settings)")
            }
        }
    }
}
