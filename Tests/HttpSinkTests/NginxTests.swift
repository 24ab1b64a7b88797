import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import HttpTesting
import Testing

/// TLS, HTTP/2 and client certificates, against nginx.
@Suite(.serialized, .enabled(if: Nginx.program != nil, "there is no nginx; scripts/test-servers fetches one"))
struct NginxTests {
    typealias Sink = HttpSinkTests

    private func with(
        clients: Bool, _ body: @escaping @Sendable (_ url: String, _ certificates: Certificates, _ backend: ScriptedServer) throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nginx-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let backend = try ScriptedServer { _, _ in .status(200, body: "ok") }
        defer { backend.stop() }
        try await onThread {
            let certificates = try Certificates(in: folder)
            let nginx = try Nginx(certificates, certificates.server, clients: clients, backend: backend.port, folder: folder + "/run")
            defer { nginx.stop() }
            try body("https://localhost:\(nginx.port)/in", certificates, backend)
        }
    }

    private static func deliver(_ url: String, _ settings: [String: String], tolerates: Bool = true) throws -> SinkReport {
        let harness = try SinkHarness(Sink.plugin, Sink.pairs([("http.url", url), ("retry.backoff.ms", "5")] + settings.map { (Name($0.key), $0.value) }), tolerates: tolerates)
        defer { harness.stop() }
        try harness.put((0..<50).map { Sink.record("k\($0 % 5)", "\($0)") })
        try harness.finish()
        return harness.context.whatHappened
    }

    @Test func http2OverTLSWithAnAuthorityFromAFileOrAsText() async throws {
        try await with(clients: false) { url, certificates, backend in
            for authority in [certificates.authority, try String(contentsOfFile: certificates.authority, encoding: .utf8)] {
                #expect(try Self.deliver(url, ["tls.ca": authority]).deadLetters.isEmpty)
            }
            #expect(backend.requests.count == 100)
            #expect(Set(backend.requests.map { $0.header("X-Protocol") }) == ["HTTP/2.0"])
            #expect(Set(backend.requests.map { $0.header("X-TLS") }) == ["TLSv1.3"])
            for key in 0..<5 {
                let order = backend.requests.prefix(50).compactMap { Int($0.text) }.filter { $0 % 5 == key }
                #expect(order == order.sorted())
            }
            #expect(try Self.deliver(url, ["tls.ca": certificates.authority, "http.version": "1.1"]).deadLetters.isEmpty)
            #expect(backend.requests.suffix(50).allSatisfy { $0.header("X-Protocol") == "HTTP/1.1" })
        }
    }

    @Test func clientCertificates() async throws {
        try await with(clients: true) { url, certificates, backend in
            let pem = { (path: String) in try String(contentsOfFile: path, encoding: .utf8) }
            let both = certificates.folder + "/both.pem"
            try (pem(certificates.client.certificate) + pem(certificates.client.key)).write(toFile: both, atomically: true, encoding: .utf8)
            let ways: [[String: String]] = [
                ["tls.certificate": certificates.client.certificate, "tls.key": certificates.client.key],
                ["tls.certificate": try pem(certificates.client.certificate), "tls.key": try pem(certificates.client.key)],
                ["tls.certificate": certificates.client.certificate, "tls.key": certificates.lockedKey, "tls.key.password": Certificates.password],
                ["https.ssl.keystore.location": both],
            ]
            for (index, way) in ways.enumerated() {
                let settings = way.merging(["tls.ca": certificates.authority]) { $1 }
                #expect(try Self.deliver(url, settings).deadLetters.isEmpty)
                #expect(backend.requests.count == (index + 1) * 50)
            }
            #expect(backend.requests.allSatisfy { $0.header("X-Client") == "CN=client" })
            // Without one, nginx answers 400: every record is refused, none arrives.
            let report = try Self.deliver(url, ["tls.ca": certificates.authority])
            #expect(report.deadLetters.count == 50)
            #expect(report.deadLetters.allSatisfy { $0.error.code == "http.status_400" })
            #expect(backend.requests.count == ways.count * 50)
            let error = #expect(throws: ConnectError.self) { _ = try Self.deliver(url, ["tls.ca": certificates.authority, "tls.certificate": certificates.client.certificate, "tls.key": certificates.lockedKey, "tls.key.password": "wr0ng-one"]) }
            #expect(error?.code == "http.tls")
            #expect(error?.description.contains("wr0ng-one") == false)
        }
    }

    @Test func aCertificateThatIsWrongFailsTheTaskAndNothingIsSent() async throws {
        try await with(clients: false) { url, certificates, backend in
            for settings in [["tls.ca": certificates.strangersAuthority], [:], ["tls.ca": certificates.authority, "tls.pin": "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="], ["tls.ca": "/nowhere.pem"]] {
                let error = #expect(throws: ConnectError.self) { _ = try Self.deliver(url, settings) }
                #expect(error?.code == "http.tls")
                #expect(error?.kind == .fatal)
                #expect(error?.suggestion != nil)
            }
            #expect(backend.requests.isEmpty)
            let report = try Self.deliver(url, ["http.ssl.trust.all.certs": "true"])
            #expect(report.deadLetters.isEmpty)
        }
    }
}
