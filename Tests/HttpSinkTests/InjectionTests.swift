import ConnectRuntime
import ConnectTesting
import Connectors
import Testing

/// What a record says becomes data in a request, never structure, and leads nowhere it should not.
@Suite(.serialized)
struct InjectionTests {
    typealias Sink = HttpSinkTests

    @Test func lineBreaksInHeadersAreRefused() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        @Sendable func record(_ header: String) -> Record {
            var record = Sink.record("k", "v")
            record.headers = [Header("trace", value: .string(header)), Header("X-Copy", value: .string(header))]
            return record
        }
        let bad = ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\u{0}b", "a\u{7F}"]
        let report = try await onThread {
            (try Sink.deliver(server, ["http.headers.additional": "X-Trace:id ${header.trace}"], batches: [bad.map(record) + [record("fine ü")]]),
             try Sink.deliver(server, ["http.headers.from.record": "X-Copy"], batches: [bad.map(record) + [record("fine ü")]]))
        }
        for report in [report.0, report.1] {
            #expect(report.deadLetters.map(\.offset) == [0, 1, 2, 3, 4])
            #expect(report.deadLetters.allSatisfy { $0.error.code == "http.header" })
        }
        #expect(server.requests.map { $0.header("X-Trace") ?? $0.header("X-Copy") } == ["id fine ü", "fine ü"])
        #expect(server.requests.allSatisfy { $0.header("Evil") == nil })
    }

    @Test(arguments: [
        ["http.url": "ftp://host/"], ["http.url": "http://user:pw@host/"], ["http.url": "http://${key}/"], ["http.url": "${key}"], ["http.url": "http://host/${key"], ["http.url": "http://host/a b"],
        ["http.url": "http://h", "http.headers.additional": "X-A:b\u{7}c"], ["http.url": "http://h", "http.headers.additional": "X A:b"], ["http.url": "http://h", "http.headers.additional": "Content-Length:5"],
        ["http.url": "http://h", "http.method": "GET IT"], ["http.url": "http://h", "http.authorization.type": "bearer"], ["http.url": "http://h", "http.authorization.type": "bearer", "auth.token": "a\nb"],
        ["http.url": "http://h", "http.authorization.type": "oauth2"], ["http.url": "http://h", "signature": "hmac-sha256"], ["http.url": "http://h", "retry.on": "5xx"], ["http.url": "http://h", "drop.on": "600"],
        ["http.url": "http://h", "batching.enabled": "true", "batch.format": "xml"], ["http.url": "http://h", "https.ssl.truststore.type": "JKS"], ["http.url": "http://h", "http.allowed.hosts": "a:b"], [:],
        ["http.url": "http://h", "http.timeout": "0"], ["http.url": "http://h", "follow.redirects": "true"], ["http.url": "http://h", "auth.type": "ssl"], ["http.url": "http://h", "on.permanent": "retry"], ["http.url": "http://h", "delivery.lanes": "99999999999999999999"],
    ] as [[String: String]])
    func configurationsThatCannotWork(_ settings: [String: String]) {
        let error = #expect(throws: ConnectError.self) { _ = try SinkHarness(Sink.plugin, Sink.pairs(settings.map { (Name($0.key), $0.value) })) }
        #expect(error?.description.contains("pw@") == false)
    }

    /// Names that other products, and people, know these things by.
    @Test(arguments: [
        ["http.url": "http://h", "http.content.type": "text/plain", "proxy.url": "http://p:1", "http2": "false", "follow.redirects": "false", "retry.on": "503,connect,timeout", "retry.max": "3", "retry.backoff.min.ms": "5"],
        ["http.api.url": "http://h", "auth.type": "BASIC", "connection.user": "u", "connection.password": "p", "http.proxy.host": "p", "http.proxy.port": "1", "http.proxy.user": "a", "http.proxy.password": "b"],
        ["http.url": "http://h", "http.authorization.type": "ssl", "tls.certificate": "-----BEGIN CERTIFICATE-----", "https.host.verifier.enabled": "false", "connection.disallow.local.ips": "true"],
        ["http.url": "http://h", "timeout.request.ms": "5", "timeout.connect.ms": "5", "batch.max.records": "5", "batching.enabled": "true", "batch.by": "url", "kafka.retry.backoff.ms": "7"],
    ] as [[String: String]])
    func knownNamesAreTaken(_ settings: [String: String]) {
        let map = Sink.pairs(settings.map { (Name($0.key), $0.value) })
        #expect(HttpSettings.definition.unknownNames(in: map).isEmpty)
        let (config, problems) = HttpSettings.definition.parse(map)
        let all = problems + HttpConfiguration.problems(config)
        #expect(all.allSatisfy { $0.isWarning })
    }

    @Test func settingsAreDocumentedAndDistinct() {
        let keys = HttpSettings.definition.keys
        let names = keys.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        #expect(keys.allSatisfy { $0.documentation.hasSuffix(".") })
    }

    @Test func aFieldOfTheSameNameAsTheBatchKeyIsNotMixedUp() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let value = Value.map([.init(key: .string("idempotency_key"), value: .string("mine"))])
        let report = try await onThread { try Sink.deliver(server, ["batching.enabled": "true"], batches: [[Record(topic: "t", key: .string("k"), value: value)]]) }
        #expect(report.deadLetters.map(\.error.code) == ["http.batch_key_field"])
    }
}
