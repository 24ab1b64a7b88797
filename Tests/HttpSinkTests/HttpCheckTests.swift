import ConnectRuntime
import ConnectTesting
import Connectors
import HttpTesting
import Testing

/// What is found about an endpoint before anything is sent.
@Suite(.serialized) struct HttpCheckTests {
    private static func look(_ settings: [(Name, String)]) throws -> [CheckFinding] {
        let plugin = HttpPlugins.all[0]
        let (config, problems) = plugin.definition.parse(HttpSinkTests.pairs(settings))
        try #require(problems.filter { !$0.isWarning }.isEmpty, "\(problems)")
        guard case .sink(let make) = plugin.factory else { return [] }
        return make().check(CheckRequest(connector: "hook", config: config))
    }

    @Test func itConnectsAndSendsNothing() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        try await onThread {
            let found = try Self.look([("http.url", server.url + "/hook?token=s3cret"), ("http.authorization.type", "static"), ("http.headers.authorization", "Bearer s3cret")])
            #expect(found.map(\.code) == ["http.server"] && found.allSatisfy { $0.severity == .ok }, "\(found)")
            #expect(try Self.look([("http.url", server.url + "/${topic}/${key}")]).map(\.severity) == [.ok])
            #expect(!"\(found)".contains("s3cret"))
        }
        #expect(eventually { server.acceptedConnections == 2 })
        #expect(server.requests.isEmpty)
    }

    @Test func whoDoesNotAnswerIsNamed() async throws {
        try await onThread {
            let found = try Self.look([
                ("http.url", "http://127.0.0.1:1/hook?token=s3cret"), ("http.authorization.type", "oauth2"), ("oauth2.access.token.url", "http://nowhere.invalid/token"), ("oauth2.client.id", "me"),
                ("oauth2.client.secret", "s3cret"),
            ])
            #expect(found.map(\.code) == ["http.unreachable", "http.unreachable"] && found.allSatisfy { $0.cause == .unreachable && $0.severity == .error })
            #expect(found.map(\.setting) == ["http.url", "oauth2.access.token.url"])
            #expect(found[0].message.contains("http://127.0.0.1:1") && !"\(found)".contains("s3cret"), "\(found)")
            #expect(try Self.look([("http.url", "http://${header.host}/x"), ("http.allowed.hosts", "a.example")]).map(\.code) == ["http.templated"])
        }
    }

    @Test(.enabled(if: Nginx.program != nil, "there is no nginx; scripts/test-servers fetches one")) func certificatesAreLookedAt() async throws {
        let folder = try TemporaryFolder()
        let backend = try ScriptedServer { _, _ in .status(200) }
        defer { backend.stop() }
        try await onThread {
            let certificates = try Certificates(in: folder.path)
            for (pair, isGood) in [(certificates.server, true), (certificates.misnamed, false), (certificates.expired, false), (certificates.selfSigned, false)] {
                let nginx = try Nginx(certificates, pair, clients: false, backend: backend.port, folder: folder.file("run"))
                defer { nginx.stop() }
                let url: (Name, String) = ("http.url", "https://localhost:\(nginx.port)/in")
                // A busy machine may leave nginx no time for a handshake within the check's patience: it is asked again.
                func looked(_ settings: [(Name, String)]) throws -> [CheckFinding] {
                    for _ in 0..<4 {
                        let found = try Self.look(settings)
                        if found.map(\.code) != ["http.unreachable"] { return found }
                    }
                    return try Self.look(settings)
                }
                let unknown = try looked([url])
                #expect(unknown.map(\.code) == ["http.not_trusted"] && unknown.allSatisfy { $0.cause == .refused }, "\(unknown)")
                let known = try looked([url, ("tls.ca", certificates.authority)])
                #expect(known.map(\.code) == [isGood ? "http.server" : "http.not_trusted"], "\(known)")
            }
        }
        #expect(backend.requests.isEmpty)
    }
}
