import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import Synchronization
import Testing

/// Several records in one request.
@Suite(.serialized)
struct BatchTests {
    typealias Sink = HttpSinkTests

    /// What every item says of itself: its key and its text.
    static func items(_ request: ScriptedRequest) throws -> [[String: String]] {
        try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [[String: String]])
    }

    private static func records(_ count: Int, keys: Int = 1_000_000) -> [Record] { (0..<count).map { Sink.record("k\($0 % keys)", "{\"n\":\"\($0)\"}") } }

    @Test func formats() async throws {
        let cases: [(KeyValuePairs<Name, String>, String, String)] = [
            (["batch.idempotency.field": ""], "{\"n\":\"0\"}\n{\"n\":\"1\"}\n", "application/x-ndjson"),
            (["batch.format": "array", "batch.idempotency.field": ""], "[{\"n\":\"0\"},{\"n\":\"1\"}]", "application/json"),
            (["batch.format": "object", "batch.object.field": "da\"ta", "batch.idempotency.field": ""], "{\"da\\\"ta\":[{\"n\":\"0\"},{\"n\":\"1\"}]}", "application/json"),
            (["batch.prefix": "<", "batch.separator": "\\t", "batch.suffix": ">\\n", "http.headers.content.type": "text/x"], "<{\"n\":\"0\"}\t{\"n\":\"1\"}>\n", "text/x"),
            (["http.body.template": "{\"v\":${value},\"t\":\"${topic}-${offset}\"}", "batch.format": "array"], #"[{"v":"{\"n\":\"0\"}","t":"t-0"},{"v":"{\"n\":\"1\"}","t":"t-1"}]"#, "application/json"),
        ]
        for (settings, body, type) in cases {
            let server = try ScriptedServer { _, _ in .status(200) }
            defer { server.stop() }
            try await onThread {
                var all: [(Name, String)] = settings.map { ($0.key, $0.value) }
                all += [("http.url", server.url), ("batching.enabled", "true"), ("delivery.lanes", "1")]
                let harness = try SinkHarness(Sink.plugin, Sink.pairs(all))
                defer { harness.stop() }
                try harness.put(Self.records(2))
                try harness.finish()
            }
            #expect(server.requests.map(\.text) == [body])
            #expect(server.requests.first?.header("Content-Type") == type)
            #expect(server.requests.first?.header("Idempotency-Key") == nil, "a batch has no key of its own")
        }
    }

    @Test func aTemplatePerItem() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        try await onThread {
            let value = Value.map([.init(key: .string("x"), value: .string("say \"hi\""))])
            _ = try Sink.deliver(
                server, ["batching.enabled": "true", "batch.format": "array", "delivery.lanes": "1", "http.body.template": "{\"v\":${value.x},\"t\":\"${topic}-${offset}: ${x}\"}"],
                batches: [[Record(topic: "t", key: .string("a"), value: value), Record(topic: "t", key: .string("b"), value: value)]])
        }
        #expect(server.requests.first?.text == #"[{"v":"say \"hi\"","t":"t-0: say \"hi\""},{"v":"say \"hi\"","t":"t-1: say \"hi\""}]"#)
    }

    @Test func everyItemCarriesTheKeyItHadAlone() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        try await onThread {
            for settings in [["batching.enabled": "true", "batch.format": "array"], [:]] as [KeyValuePairs<Name, String>] {
                _ = try Sink.deliver(server, settings, batches: [[Sink.record("a", "{}"), Sink.record("b", "{ \"x\":\n1}"), Sink.record("c", "plain"), Sink.record("d", "{broken")]])
            }
        }
        let alone = Set(server.requests.compactMap { $0.header("Idempotency-Key") })
        #expect(alone.count == 4)
        let batches = server.requests.filter { $0.header("Idempotency-Key") == nil }
        let items = try batches.flatMap { try #require(try JSONSerialization.jsonObject(with: Data($0.body)) as? [[String: Any]]) }
        #expect(Set(items.compactMap { $0["idempotency_key"] as? String }) == alone)
        #expect(items.contains { $0["x"] as? Int == 1 })
        #expect(Set(items.compactMap { $0["value"] as? String }) == ["plain", "{broken"], "what has no room for a key is wrapped")
    }

    /// 207 with a result per item, and with `errors` by index: the failed are tried again alone, the refused are dead letters, order per key holds.
    @Test(arguments: ["items", "errors"])
    func partialResults(_ shape: String) async throws {
        let seen = Mutex<(tries: [String: Int], delivered: [(key: String, text: String)])>(([:], []))
        let server = try ScriptedServer { request, _ in
            guard let items = try? Self.items(request) else { return .status(500) }
            var statuses: [Int] = []
            for item in items {
                let text = item["n"] ?? "", key = item["idempotency_key"] ?? ""
                let tries = seen.withLock { seen in
                    seen.tries[text, default: 0] += 1
                    return seen.tries[text] ?? 0
                }
                let number = Int(text) ?? 0
                let status = number % 10 == 3 ? 422 : number % 7 == 0 && tries < 3 ? 503 : 200
                if status == 200 { seen.withLock { $0.delivered.append((key, text)) } }
                statuses.append(status)
            }
            if statuses.allSatisfy({ $0 == 200 }) { return .status(200) }
            let results = statuses.enumerated().compactMap { index, status in
                shape == "items" ? "{\"status\":\(status)}" : status == 200 ? nil : "{\"index\":\(index),\"status\":\(status)}"
            }
            return .status(207, body: "{\"\(shape)\":[\(results.joined(separator: ","))]}")
        }
        defer { server.stop() }
        let report = try await onThread {
            try Sink.deliver(server, ["batching.enabled": "true", "batch.format": "array", "batch.max.size": "10", "delivery.lanes": "3"], batches: [Self.records(100, keys: 9)])
        }
        #expect(report.deadLetters.map(\.offset).sorted() == stride(from: 3, to: 100, by: 10).map { Int64($0) })
        #expect(report.deadLetters.allSatisfy { $0.error.code == "http.status_422" })
        let delivered = seen.withLock { $0.delivered }
        #expect(delivered.count == 90, "none twice")
        #expect(Set(delivered.map(\.key)).count == 90)
        for key in 0..<9 {
            let order = delivered.compactMap { Int($0.text) }.filter { $0 % 9 == key }
            #expect(order == order.sorted())
        }
    }

    @Test func oneBadRecordOfABatchIsFound() async throws {
        let server = try ScriptedServer { request, _ in request.text.contains("\"n\":\"37\"") ? .status(400, body: "37 is bad") : .status(200) }
        defer { server.stop() }
        let report = try await onThread {
            try Sink.deliver(server, ["batching.enabled": "true", "batch.format": "array", "delivery.lanes": "1"], batches: [Self.records(100)])
        }
        #expect(report.deadLetters.map(\.offset) == [37])
        #expect(report.deadLetters.first?.error.message.contains("37 is bad") == true)
        let good = try server.requests.filter { !$0.text.contains("\"n\":\"37\"") }.flatMap { try Self.items($0).compactMap { $0["n"].flatMap { Int($0) } } }
        #expect(good == (0..<100).filter { $0 != 37 }, "in order, none twice")
    }

    @Test func withoutBisectionTheWholeBatchIsBad() async throws {
        let server = try ScriptedServer { _, _ in .status(400) }
        defer { server.stop() }
        let report = try await onThread { try Sink.deliver(server, ["batching.enabled": "true", "batch.bisect": "false", "delivery.lanes": "1"], batches: [Self.records(5)]) }
        #expect(report.deadLetters.count == 5)
        #expect(server.requests.count == 1)
    }

    @Test func aFailedBatchIsSentAgainAsItWas() async throws {
        let server = try ScriptedServer { _, number in number < 3 ? .status(503) : .status(200) }
        defer { server.stop() }
        _ = try await onThread {
            try Sink.deliver(server, ["batching.enabled": "true", "batch.max.size": "10", "delivery.lanes": "1"], batches: [Self.records(5), Self.records(20)])
        }
        #expect(Set(server.requests.prefix(4).map(\.text)).count == 1)
    }

    @Test func deletesTravelAlone() async throws {
        let server = try ScriptedServer { request, _ in request.method == "DELETE" ? .status(404) : .status(200) }
        defer { server.stop() }
        let report = try await onThread {
            try Sink.deliver(
                server, ["http.url": server.url + "/items/${key}", "behavior.on.null.values": "delete", "batching.enabled": "true"],
                batches: [[Sink.record("a/b", "1"), Sink.record("a/b", nil), Sink.record("ü", nil)]])
        }
        #expect(report.deadLetters.isEmpty, "what is not there needs no deleting")
        let deletes = server.requests.filter { $0.method == "DELETE" }
        #expect(Set(deletes.map(\.target)) == ["/items/a%2Fb", "/items/%C3%BC"])
        #expect(deletes.allSatisfy { $0.body.isEmpty && $0.header("Idempotency-Key") != nil && $0.header("Content-Type") == nil })
        let ofKey = server.requests.filter { $0.target == "/items/a%2Fb" }.map(\.method)
        #expect(ofKey == ["POST", "DELETE"], "a delete keeps its key's order")
    }

    @Test func otherNullBehaviors() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let (logged, failed) = try await onThread {
            (try Sink.deliver(server, ["behavior.on.null.values": "LOG"], batches: [[Sink.record("a", nil)]]), try Sink.deliver(server, ["behavior.on.null.values": "fail"], batches: [[Sink.record("a", nil)]]))
        }
        #expect(logged.deadLetters.isEmpty)
        #expect(logged.logLines.contains { $0.contains("t/0@0") })
        #expect(failed.deadLetters.map(\.error.code) == ["http.null_value"])
        #expect(server.requests.isEmpty)
    }

    @Test func compressedBodiesUnpack() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        _ = try await onThread { try Sink.deliver(server, ["compression": "gzip"], batches: [[Sink.record("a", String(repeating: "abc", count: 2_000))]]) }
        let request = try #require(server.requests.first)
        #expect(request.header("Content-Encoding") == "gzip")
        #expect(request.body.count < 200)
        #expect(try await onThread { try gunzip(request.body) } == String(repeating: "abc", count: 2_000))
    }

    @Test func answersGoToTheirTopics() async throws {
        let server = try ScriptedServer { request, _ in request.text == "1" ? .status(409, body: "conflict") : .status(200, body: "took \(request.text)") }
        defer { server.stop() }
        let report = try await onThread { try Sink.deliver(server, ["response.topic": "answers", "error.topic": "refusals"], batches: [[Sink.record("a", "0"), Sink.record("b", "1")]]) }
        let answers = report.emitted["answers"] ?? [], refusals = report.emitted["refusals"] ?? []
        #expect(answers.flatMap { set in (0..<set.count).map { set.value(at: $0)?.utf8Text } } == ["took 0"])
        #expect(refusals.flatMap { set in (0..<set.count).map { set.value(at: $0)?.utf8Text } } == ["conflict"])
        let headers = refusals.first?.headers(at: 0) ?? []
        #expect(headers.first { $0.name == "input_record_offset" }?.value?.utf8Text == "1")
        #expect(headers.first { $0.name == "response_status" }?.value?.utf8Text == "409")
        #expect(report.deadLetters.map(\.offset) == [1])
    }

    /// What shares a batch: anything, one partition's records, one key's.
    @Test func batchesByKey() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        _ = try await onThread {
            try Sink.deliver(server, ["batching.enabled": "true", "batch.format": "array", "batch.by": "key", "delivery.lanes": "1"], batches: [(0..<30).map { Sink.record("k\($0 / 10)", "{\"n\":\"\($0)\"}") }])
        }
        #expect(try server.requests.map { try Self.items($0).compactMap { $0["n"] } } == (0..<3).map { key in (0..<10).map { "\(key * 10 + $0)" } })
    }

    /// An endpoint that says 200 and means no.
    @Test func anAnswerMayHaveToSayThatItIsGood() async throws {
        let server = try ScriptedServer { request, _ in .status(200, body: request.text == "1" ? #"{"r":{"ok":false,"why":"no such channel"}}"# : request.text == "2" ? "no JSON" : #"{"r":{"ok":true}}"#) }
        defer { server.stop() }
        let report = try await onThread { try Sink.deliver(server, ["response.success.path": "r.ok"], batches: [(0..<4).map { Sink.record("k", "\($0)") }]) }
        #expect(report.deadLetters.map(\.offset) == [1, 2])
        #expect(report.deadLetters[0].error.message.contains("no such channel"))
    }

    @Test func whatARefusalDoes() async throws {
        let server = try ScriptedServer { _, _ in .status(400) }
        defer { server.stop() }
        let (skipped, reported) = try await onThread {
            (try Sink.deliver(server, ["on.permanent": "skip"], batches: [[Sink.record("a", "1")]]), try Sink.deliver(server, ["on.permanent": "dlq"], batches: [[Sink.record("a", "1")]]))
        }
        #expect(skipped.deadLetters.isEmpty)
        #expect(skipped.logLines.contains { $0.contains("answered 400") })
        #expect(reported.deadLetters.count == 1)
        let error = await #expect(throws: ConnectError.self) { try await onThread { _ = try Sink.deliver(server, ["on.permanent": "fail"], batches: [[Sink.record("a", "1")]]) } }
        #expect(error?.code == "http.status_400")
    }

    /// A batch whose items show no key is said to be one; a text that is an object with that member is refused as a value with it is.
    @Test func batchesWithoutKeysAreToldOf() async throws {
        func warns(_ settings: KeyValuePairs<Name, String>, _ plugin: Plugin = Sink.plugin) -> Bool {
            let (config, _) = plugin.definition.parse(Sink.pairs([("http.url", "http://h"), ("batching.enabled", "true"), ("batch.max.size", "5")] + settings.map { ($0.key, $0.value) }))
            return HttpConfiguration.problems(config).contains { $0.code == "http.batch_without_keys" && $0.isWarning }
        }
        #expect(!warns([:]) && !warns(["http.body": "record", "batch.idempotency.field": ""]) && !warns(["http.body.template": "{\"k\":\"${idempotency_key}\"}"]))
        #expect(warns(["batch.idempotency.field": ""]) && warns(["batch.format": "template"]) && warns(["http.body.template": "${value}"]) && warns([:], HttpPlugins.all[1]))
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let report = try await onThread { try Sink.deliver(server, ["batching.enabled": "true"], batches: [[Sink.record("a", "{\"idempotency_key\":\"mine\"}")]]) }
        #expect(report.deadLetters.map(\.error.code) == ["http.batch_key_field"])
    }

    @Test func otherProductsDefaults() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        try await onThread {
            _ = try Sink.deliver(server, ["http.authorization.type": "none", "batching.enabled": "true", "delivery.lanes": "1"], plugin: HttpPlugins.all[1], batches: [[Sink.record("a", "x"), Sink.record("a", "y")]])
            let confluent = try SinkHarness(
                HttpPlugins.all[2], Sink.pairs([("http.api.url", server.url + "/${key}"), ("headers", "X-A:1|Content-Type:text/plain"), ("request.method", "put"), ("auth.type", "BASIC"), ("connection.user", "u"), ("connection.password", "p")]))
            defer { confluent.stop() }
            try confluent.put([Sink.record("a", "x")])
            try confluent.finish()
        }
        #expect(server.requests.map(\.text) == ["x\ny\n", "x"])
        let last = try #require(server.requests.last)
        #expect(last.method == "PUT" && last.target == "/a" && last.header("X-A") == "1" && last.header("Content-Type") == "text/plain")
        #expect(last.header("Authorization") == "Basic dTpw")
    }
}

/// Unpacked by gzip itself.
private func gunzip(_ bytes: [UInt8]) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gunzip-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("a.gz")
    try Data(bytes).write(to: file)
    let plain = folder.appendingPathComponent("a")
    guard try ChildProcess.run(["gzip", "-dc", file.path], outputPath: plain.path, seconds: 60) == 0 else { return "no gzip" }
    return String(decoding: try Data(contentsOf: plain), as: UTF8.self)
}
