import ConnectRuntime
import ConnectTesting
import Connectors
import Synchronization
import Testing

/// Who sends, and that nobody else learns of it.
@Suite(.serialized)
struct AuthorizationTests {
    typealias Sink = HttpSinkTests
    static let secret = "s3cr3t-Wert"

    @Test(arguments: [
        (["http.authorization.type": "static", "http.headers.authorization": "Token s3cr3t-Wert"], "Authorization", "Token s3cr3t-Wert"),
        (["http.authorization.type": "basic", "auth.user": "me", "auth.password": "s3cr3t-Wert"], "Authorization", "Basic bWU6czNjcjN0LVdlcnQ="),
        (["http.authorization.type": "bearer", "auth.token": "s3cr3t-Wert"], "Authorization", "Bearer s3cr3t-Wert"),
        (["http.authorization.type": "apikey", "auth.apikey": "s3cr3t-Wert"], "X-API-Key", "s3cr3t-Wert"),
        (["http.authorization.type": "apikey", "auth.apikey": "s3cr3t-Wert", "auth.apikey.name": "X-Other"], "X-Other", "s3cr3t-Wert"),
    ] as [([String: String], String, String)])
    func headers(_ settings: [String: String], _ header: String, _ value: String) async throws {
        // The server repeats what it got, as some do; and refuses, so that the answer becomes a dead letter.
        let server = try ScriptedServer { request, _ in .status(400, body: "you sent \(request.header(header) ?? "nothing")") }
        defer { server.stop() }
        let report = try await onThread {
            let harness = try SinkHarness(Sink.plugin, Sink.pairs([("http.url", server.url)] + settings.map { (Name($0.key), $0.value) }))
            defer { harness.stop() }
            try harness.put([Sink.record("k", "v")])
            try harness.finish()
            return harness.context.whatHappened
        }
        #expect(server.requests.first?.header(header) == value)
        let letter = try #require(report.deadLetters.first)
        #expect(letter.error.message.contains("you sent "))
        #expect(letter.error.message.contains("[hidden]"))
        for text in [letter.error.description] + report.logLines + report.notes { #expect(!text.contains(Self.secret) && !text.contains("bWU6czNjcjN0LVdlcnQ")) }
    }

    @Test func aKeyInTheQueryIsNotShown() async throws {
        let server = try ScriptedServer { _, number in number == 0 ? .status(503) : .status(400) }
        defer { server.stop() }
        let report = try await onThread {
            try Sink.deliver(server, ["http.authorization.type": "apikey", "auth.apikey": Self.secret, "auth.apikey.name": "key", "auth.apikey.in": "query"], batches: [[Sink.record("k", "v")]])
        }
        #expect(server.requests.map(\.target) == ["/hook?key=s3cr3t-Wert", "/hook?key=s3cr3t-Wert"])
        for text in [report.deadLetters[0].error.description] + report.logLines + report.notes { #expect(!text.contains(Self.secret)) }
    }

    /// Secrets in the URL and in headers written by hand, repeated by the endpoint: neither dead letters nor the topics of answers show them.
    @Test(arguments: [200, 400])
    func whatAnEndpointRepeatsIsHidden(_ status: Int) async throws {
        let server = try ScriptedServer { request, _ in .status(status, body: "cannot \(request.method) \(request.target), \(request.header("X-Auth-Token") ?? "")") }
        defer { server.stop() }
        let report = try await onThread {
            try Sink.deliver(
                server, ["http.url": server.url + "/hook?api_key=\(Self.secret)&page=one", "http.headers.additional": "X-Auth-Token:Token \(Self.secret)-2", "response.topic": "answers", "error.topic": "refusals"],
                batches: [[Sink.record("k", "v")]])
        }
        #expect(server.requests.first?.target == "/hook?api_key=s3cr3t-Wert&page=one")
        let texts = (report.emitted["answers"] ?? []) + (report.emitted["refusals"] ?? [])
        let answers = texts.flatMap { set in (0..<set.count).map { set.value(at: $0)?.utf8Text ?? "" } }
        #expect(answers.count == 1)
        for text in answers + report.logLines + report.notes + report.deadLetters.map(\.error.description) { #expect(!text.contains(Self.secret), "\(text)") }
        #expect(answers[0].contains("page=one"))
    }

    @Test func secretsAreHiddenInEveryForm() {
        let redaction = Redaction([Secret("a\"b/ü"), Secret("abc")])
        #expect(String(decoding: redaction.clean(Array(#"{"t":"a\"b/ü","u":"?k=a%22b%2F%C3%BC","v":"abc"} a"b/ü"#.utf8)), as: UTF8.self) == #"{"t":"[hidden]","u":"?k=[hidden]","v":"abc"} [hidden]"#)
    }

    /// One token for all lanes and tasks; a 401 renews it once, and the record goes through.
    @Test func tokensAreFetchedOnceAndRenewedOnRefusal() async throws {
        let issued = Atomic(0)
        let tokens = try ScriptedServer { request, _ in
            .status(200, body: "{\"access_token\":\"token-\(issued.wrappingAdd(1, ordering: .relaxed).newValue)\",\"expires_in\":3600}")
        }
        let isRevoked = Atomic(false)
        let server = try ScriptedServer { request, _ in
            if request.text == "20" { isRevoked.store(true, ordering: .relaxed) }
            return request.header("Authorization") == (isRevoked.load(ordering: .relaxed) ? "Bearer token-2" : "Bearer token-1") ? .status(200) : .status(401)
        }
        defer { server.stop(); tokens.stop() }
        let report = try await onThread {
            try Sink.deliver(
                server,
                ["http.authorization.type": "oauth2", "oauth2.access.token.url": tokens.url + "/token", "oauth2.client.id": "me", "oauth2.client.secret": Self.secret, "oauth2.client.scope": "a b"],
                batches: [(0..<60).map { Sink.record("k\($0)", "\($0)") }])
        }
        #expect(report.deadLetters.isEmpty)
        #expect(tokens.requests.count == 2)
        #expect(tokens.requests.first?.text == "grant_type=client_credentials&scope=a%20b")
        #expect(tokens.requests.first?.header("Authorization") == "Basic bWU6czNjcjN0LVdlcnQ=")
        #expect(Set(server.requests.map(\.text)).count == 60)
    }

    @Test func aSecondRefusalIsForGood() async throws {
        let tokens = try ScriptedServer { _, number in .status(200, body: "{\"tok\":\"token-\(number)\"}") }
        let server = try ScriptedServer { request, _ in .status(401, body: "not you: \(request.header("Authorization") ?? "")") }
        defer { server.stop(); tokens.stop() }
        let report = try await onThread {
            try Sink.deliver(
                server,
                ["http.authorization.type": "oauth2", "oauth2.token.url": tokens.url, "oauth2.client.id": "me", "oauth2.client.secret": "other", "oauth2.client.auth.mode": "url", "oauth2.token.property": "tok"],
                batches: [[Sink.record("k", "v")]])
        }
        #expect(tokens.requests.map(\.text) == Array(repeating: "grant_type=client_credentials&client_id=me&client_secret=other", count: 2))
        #expect(server.requests.count == 2)
        #expect(report.deadLetters.map(\.error.code) == ["http.status_401"])
        #expect(report.deadLetters[0].error.message.contains("[hidden]"))
    }

    @Test func aClientThatIsRefusedFailsTheTask() async throws {
        let tokens = try ScriptedServer { _, _ in .status(401, body: "{\"error\":\"invalid_client\"}") }
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop(); tokens.stop() }
        let error = await #expect(throws: ConnectError.self) {
            try await onThread {
                _ = try Sink.deliver(server, ["http.authorization.type": "oauth2", "oauth2.access.token.url": tokens.url, "oauth2.client.id": "x", "oauth2.client.secret": Self.secret], batches: [[Sink.record("k", "v")]])
            }
        }
        #expect(error?.kind == .fatal)
        #expect(error?.description.contains(Self.secret) == false)
        #expect(server.requests.isEmpty)
    }

    @Test func aTokenServerThatIsAwayIsWaitedFor() async throws {
        let tokens = try ScriptedServer { _, number in number < 3 ? .status(503) : .status(200, body: "{\"access_token\":\"abcd\"}") }
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop(); tokens.stop() }
        let report = try await onThread {
            try Sink.deliver(server, ["http.authorization.type": "oauth2", "oauth2.access.token.url": tokens.url, "oauth2.client.id": "y", "oauth2.client.secret": Self.secret], batches: [[Sink.record("k", "v")]])
        }
        #expect(report.deadLetters.isEmpty)
        #expect(server.requests.count == 1)
    }

    /// The example of the Standard Webhooks specification.
    @Test func signatures() {
        let lines = RequestSignature.standardWebhooks(written: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .lines(body: Array("{\"test\": 2432232314}".utf8), id: "msg_p5jXN8AQM9LWM0D4loKWxJek", wallSeconds: 1_614_265_330)
        #expect(lines == ["webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp: 1614265330", "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="])
        // The example of GitHub's documentation.
        let hub = RequestSignature.hmac(header: "X-Hub-Signature-256", secret: Array("It's a Secret to Everybody".utf8)).lines(body: Array("Hello, World!".utf8), id: "", wallSeconds: 0)
        #expect(hub == ["X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"])
    }
}
