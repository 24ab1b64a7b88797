import ConnectRuntime
import ConnectTesting
import Connectors
import Testing

/// Where records may not lead a request: another host than the configuration allows, this machine and what is link-local, out of the path,
/// along a redirect. Each row has a server that would answer if its check were not there, or a neighbour that shows how far the check goes.
@Suite(.serialized)
struct ForbiddenPlacesTests {
    typealias Sink = HttpSinkTests

    /// What a record holds, mostly text.
    struct Given: Sendable, ExpressibleByStringLiteral {
        let value: Value
        init(_ value: Value) { self.value = value }
        init(stringLiteral text: String) { value = .string(text) }
        static let null = Given(.null)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        /// `PORT` stands for the server's, here and in settings and values.
        let url: String
        let key: Given
        /// The record's header `h`.
        let header: Given?
        let settings: [String: String]
        /// The error's code, or the target that the server gets.
        let becomes: String

        var testDescription: String { "\(url) \(key.value) \(header.map { "\($0.value)" } ?? "") \(settings.keys.sorted()) → \(becomes)" }

        init(_ url: String, _ key: Given = "k", header: Given? = nil, with settings: [String: String] = [:], becomes: String) {
            self.url = url
            self.key = key
            self.header = header
            self.settings = settings
            self.becomes = becomes
        }
    }

    private static func check(_ row: Row) async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        @Sendable func filled(_ text: String) -> String { text.replacing("PORT", with: "\(server.port)") }
        @Sendable func filled(_ given: Given) -> Value { if case .string(let text) = given.value { .string(filled(text)) } else { given.value } }
        let report = try await onThread {
            // Where nobody answers the test is not to wait.
            let settings = ["http.url": row.url, "timeout.connect.ms": "500", "max.retries": "0"].merging(row.settings) { $1 }
            let harness = try SinkHarness(Sink.plugin, Sink.pairs(settings.map { (Name($0.key), filled($0.value)) }))
            defer { harness.stop() }
            var record = Record(topic: "t", key: filled(row.key), value: .string("v"))
            if let header = row.header { record.headers = [Header("h", value: filled(header))] }
            try harness.put([record])
            try harness.finish()
            return harness.context.whatHappened
        }
        #expect(report.deadLetters.map(\.error.code) + server.requests.map(\.target) == [row.becomes], "\(report.deadLetters.map(\.error.message))")
        #expect(report.deadLetters.allSatisfy { $0.error.kind == .data })
    }

    // MARK: Hosts

    private static let templated = "http://${key}:PORT/in", local = "http.allow.local.addresses"

    /// A host that a record names: on the list, as it is written there.
    static let hosts: [Row] = [
        Row(templated, "127.0.0.1", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "/in"),
        Row(templated, "127.0.0.1", with: ["http.allowed.hosts": "a.example", local: "true"], becomes: "http.host_not_allowed"),
        // Another notation is the same host, on the list and in the address.
        Row(templated, "0x7f.1", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "/in"),
        Row(templated, "0x7f.1", with: ["http.allowed.hosts": "0x7f.1", local: "true"], becomes: "http.host_not_allowed"),
        Row(templated, "LocalHost", with: ["http.allowed.hosts": "localhost", local: "true"], becomes: "/in"),
        Row(templated, "localhost", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.host_not_allowed"),
        Row(templated, "localhost.", with: ["http.allowed.hosts": "localhost", local: "true"], becomes: "http.host_not_allowed"),
        // A port that is written down counts.
        Row(templated, "127.0.0.1", with: ["http.allowed.hosts": "127.0.0.1:PORT", local: "true"], becomes: "/in"),
        Row(templated, "127.0.0.1", with: ["http.allowed.hosts": "127.0.0.1:1", local: "true"], becomes: "http.host_not_allowed"),
        // Subdomains alone, and whole ones.
        Row(templated, "a.localhost", with: ["http.allowed.hosts": "*.localhost", local: "true"], becomes: "/in"),
        Row(templated, "localhost", with: ["http.allowed.hosts": "*.localhost", local: "true"], becomes: "http.host_not_allowed"),
        Row(templated, "alocalhost", with: ["http.allowed.hosts": "*.localhost", local: "true"], becomes: "http.host_not_allowed"),
        Row(templated, "localhost.evil.example", with: ["http.allowed.hosts": "localhost,*.localhost", local: "true"], becomes: "http.host_not_allowed"),
        Row("http://${key}.localhost:PORT/in", "a/../evil", with: ["http.allowed.hosts": "*.localhost", local: "true"], becomes: "http.url"),
        // What would be more than a host.
        Row(templated, "evil.example/", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.url"),
        Row(templated, "evil.example#", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.url"),
        Row(templated, "user@127.0.0.1", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.url"),
        Row("http://${key}/in", "127.0.0.1:PORT", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.url"),
        Row(templated, "[::1]", with: ["http.allowed.hosts": "[::2],127.0.0.1", local: "true"], becomes: "http.host_not_allowed"),
        Row(templated, "", with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.url"),
        Row(templated, .null, with: ["http.allowed.hosts": "127.0.0.1", local: "true"], becomes: "http.template"),
        // A proxy resolves names itself, and is itself no place that records lead to: the list alone counts.
        Row("http://${key}/in", "a.example", with: ["http.allowed.hosts": "a.example", "http.proxy.url": "http://127.0.0.1:PORT"], becomes: "http://a.example/in"),
        Row("http://${key}/in", "b.example", with: ["http.allowed.hosts": "a.example", "http.proxy.url": "http://127.0.0.1:PORT"], becomes: "http.host_not_allowed"),
    ]
    @Test(arguments: hosts) func hostsOfRecords(_ row: Row) async throws { try await Self.check(row) }

    // MARK: Addresses

    private static let fixed = ["connection.disallow.local.ips": "true"]

    /// Whatever name or notation leads to this machine or to what is link-local; a host that the configuration names may be held to the same.
    static let addresses: [Row] =
        ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.9.9.9", "localhost", "a.localhost", "0.0.0.0", "0", "169.254.169.254", "[::1]", "[0:0::0:1]"].map { host in
            Row(templated, Given(.string(host)), with: ["http.allowed.hosts": "127.0.0.1,127.9.9.9,localhost,*.localhost,0.0.0.0,169.254.169.254,[::1]"], becomes: "http.address_not_allowed")
        }
        + [
            "127.0.0.1", "localhost", "0.0.0.0", "169.254.169.254", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::127.0.0.1]",
            "[2002:7f00:1::1]", "[fe80::1]", "[fd00:ec2::254]", "[fd20:ce::254]", "100.100.100.200",
        ].map { Row("http://\($0):PORT/in", with: fixed, becomes: "http.address_not_allowed") }
        + [Row("http://127.0.0.1:PORT/in", with: [:], becomes: "/in"), Row("http://127.0.0.1:PORT/${key}", with: [:], becomes: "/k"), Row("http://127.0.0.1:PORT/${key}", with: fixed, becomes: "http.address_not_allowed")]
    @Test(arguments: addresses) func localAddresses(_ row: Row) async throws { try await Self.check(row) }

    // MARK: Paths

    /// Values stay inside their segment; those that would name another place are refused, alone or with what stands beside them.
    static let paths: [Row] = {
        func row(_ path: String, _ key: Given, _ header: Given? = nil, becomes: String) -> Row { Row("http://127.0.0.1:PORT\(path)", key, header: header, becomes: becomes) }
        return [
            row("/a/${key}", "..", becomes: "http.url"), row("/a/${key}", ".", becomes: "http.url"), row("/a/${key}", "", becomes: "http.url"), row("/a/${key}", "...", becomes: "/a/..."), row("/a/${key}", "..a", becomes: "/a/..a"),
            row("/a/${key}/b", "..", becomes: "http.url"), row("/a/${key}?b=1", "..", becomes: "http.url"), row("/a/${key}#b", "..", becomes: "http.url"), row("/a/${key};b=1", "..", becomes: "http.url"), row(#"/a\${key}\b"#, "..", becomes: "http.url"),
            row("/${key}/b", "..", becomes: "http.url"), row("/${key}/${header.h}", "..", "..", becomes: "http.url"), row("/${key}/${header.h}", "a", "..", becomes: "http.url"),
            // Beside the template's own text.
            row("/a/x${key}/b", "..", becomes: "/a/x../b"), row("/a/${key}x/b", "..", becomes: "/a/..x/b"), row("/a/.${key}/b", ".", becomes: "http.url"), row("/a/${key}./b", ".", becomes: "http.url"), row("/a/.${key}/b", "..", becomes: "/a/.../b"),
            row("/a/%2e${key}/b", ".", becomes: "http.url"), row("/a/${key}%2E/b", ".", becomes: "http.url"), row("/a/v1.${key}/b", ".", becomes: "/a/v1../b"),
            // Beside another value.
            row("/a/${key}${header.h}/b", ".", ".", becomes: "http.url"), row("/a/${key}${header.h}", "a", ".", becomes: "/a/a."), row("/a/${key}${header.h}", ".", "a", becomes: "/a/.a"),
            row("/a/${key}${header.h}", ".", "..", becomes: "/a/..."), row("/a/${key}-${header.h}", "..", "..", becomes: "/a/..-.."), row("/a/${key}${header.h}", "a", "", becomes: "http.url"),
            // No value ends its segment, or the path.
            row("/a/${key}/b", "x/../../y", becomes: "/a/x%2F..%2F..%2Fy/b"), row("/a/${key}/b", "x?y=1#z", becomes: "/a/x%3Fy%3D1%23z/b"), row("/a/${key}/b", "%2e%2e", becomes: "/a/%252e%252e/b"), row("/a/${key}/b", "x;y\\z", becomes: "/a/x%3By%5Cz/b"),
            row("/a/${key}/b", "x\r\nHost: evil", becomes: "/a/x%0D%0AHost%3A%20evil/b"), row("/a/${key}/b", Given(.bytes([0, 0xFF])), becomes: "/a/AP8/b"),
            // In the query dots are data, and so is nothing.
            row("/a?b=${key}&c=${header.h}", "..", "", becomes: "/a?b=..&c="), row("/a?b=${key}", "x&c=y#z", becomes: "/a?b=x%26c%3Dy%23z"),
            // What has no text of its own.
            row("/a/${key}", .null, becomes: "http.template"), row("/a/${key}", Given(.array([.string("x")])), becomes: "http.template"), row("/a/${key}", Given(.map([])), becomes: "http.template"), row("/a/${header.h}", "k", becomes: "http.template"),
            row("/a/${key.id}", "k", becomes: "http.template"),
        ]
    }()
    @Test(arguments: paths) func pathsOfRecords(_ row: Row) async throws { try await Self.check(row) }

    // MARK: Redirects

    /// To another server or to another place of the same one: an answer like any other that is no good, and one that counts as good where that is said.
    @Test(arguments: [301, 302, 303, 307, 308]) func redirectsAreNotFollowed(status: Int) async throws {
        let elsewhere = try ScriptedServer { _, _ in .status(200) }
        defer { elsewhere.stop() }
        let server = try ScriptedServer { request, _ in
            request.target == "/hook" ? .status(status, headers: [("Location", request.text == "there" ? elsewhere.url : "/other")], body: "over there") : .status(200)
        }
        defer { server.stop() }
        let (refused, taken) = try await onThread {
            let records = [Sink.record("a", "there"), Sink.record("b", "here")]
            return (try Sink.deliver(server, batches: [records]), try Sink.deliver(server, ["success.on": "200-399"], batches: [records]))
        }
        #expect(refused.deadLetters.map(\.error.code) == ["http.status_\(status)", "http.status_\(status)"])
        #expect(taken.deadLetters.isEmpty)
        #expect(server.requests.map(\.target) == ["/hook", "/hook", "/hook", "/hook"])
        #expect(elsewhere.requests.isEmpty)
    }

    /// A token's server sends nobody elsewhere: the client's secret would go along.
    @Test(arguments: [302, 307]) func noSecretFollowsARedirect(status: Int) async throws {
        let elsewhere = try ScriptedServer { _, _ in .status(200, body: "{\"access_token\":\"abcd\"}") }
        let tokens = try ScriptedServer { _, _ in .status(status, headers: [("Location", elsewhere.url)]) }
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop(); tokens.stop(); elsewhere.stop() }
        await #expect(throws: ConnectError.self) {
            try await onThread {
                let harness = try SinkHarness(
                    Sink.plugin,
                    Sink.pairs([
                        ("http.url", server.url), ("http.authorization.type", "oauth2"), ("oauth2.access.token.url", tokens.url), ("oauth2.client.id", "redirected-\(status)"), ("oauth2.client.secret", "s3cr3t"),
                        ("retry.backoff.ms", "5"), ("retry.backoff.max.ms", "20"), ("max.retries", "0"),
                    ]), tolerates: false)
                defer { harness.stop() }
                try harness.put([Sink.record("k", "v")])
                try harness.finish()
            }
        }
        #expect(tokens.requests.count == 1)
        #expect(elsewhere.requests.isEmpty && server.requests.isEmpty)
    }

    // MARK: Configurations

    /// What could lead elsewhere is found before anything runs.
    @Test(arguments: [
        // libcurl takes the first segment for the host here.
        ["http.url": "http:///${key}/x"], ["http.url": "https:///${key}"], ["http.url": "http:///127.0.0.1/x"],
        ["http.url": "http://${key}/x"], ["http.url": "http://a.example:${key}/x"], ["http.url": "http://${key}.example/x"], ["http.url": "http://u@${key}/x", "http.allowed.hosts": "a"],
        ["http.url": "http://a.example", "http.headers.from.record": "X-A,Host"], ["http.url": "http://a.example", "http.headers.from.record": "content-LENGTH"],
        ["http.url": "http://a.example", "http.headers.from.record": "Transfer-Encoding"], ["http.url": "http://a.example", "http.headers.from.record": "X A"],
        ["http.url": "http://a.example", "http.headers.additional": "Host:${key}"], ["http.url": "http://a.example", "headers": "transfer-encoding:chunked"],
        ["http.url": "http://a.example", "follow.redirects": "true"],
    ] as [[String: String]])
    func configurationsThatLeadElsewhere(_ settings: [String: String]) {
        let error = #expect(throws: ConnectError.self) { _ = try SinkHarness(Sink.plugin, Sink.pairs(settings.map { (Name($0.key), $0.value) })) }
        #expect(error?.kind == .configuration)
    }
}
