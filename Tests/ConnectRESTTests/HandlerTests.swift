import ConnectREST
import ConnectRuntime
import ConnectTesting
import Testing

struct HandlerTests {
    @Test func everyCaseAnswersAsConnectDoes() throws {
        let log = try TestLog()
        let api = RestAPI(
            herder: ScriptedHerder(), log: log.log, browserGuard: BrowserGuard(allowedHosts: []), version: "0.0.0")
        for step in RestCase.all {
            var headers = Headers(["Host": "127.0.0.1:1"])
            for (name, value) in step.headers { headers.add(name, value) }
            let response = api.respond(method: step.method, rawTarget: step.target, headers: headers, body: Array(step.body.utf8))
            let body = String(decoding: response.body, as: UTF8.self)
            #expect(response.status == step.status, "\(step): \(body)")
            #expect(response.headers["Content-Type"] == step.type, "\(step)")
            #expect(step.contains.isEmpty || body.contains(step.contains), "\(step): \(body)")
            #expect(response.headers["Location"] == step.location.map { "http://127.0.0.1:1" + $0 }, "\(step)")
        }
    }

    /// `/healthz` asks for a new start, `/readyz` for work to be sent elsewhere; `/health` is KIP-1017's.
    @Test(arguments: [
        (Health(.healthy, "fine"), 200, 200, 200), (Health(.starting, "soon"), 503, 200, 503), (Health(.unhealthy, "the log has stopped"), 500, 503, 503),
        (Health(.unhealthy, "the disk is full", goesOnByItself: true), 500, 200, 503),
    ]) func healthIsToldToEachWhoAsks(_ health: Health, _ ofHealth: Int, _ ofHealthz: Int, _ ofReadyz: Int) throws {
        let log = try TestLog()
        let herder = ScriptedHerder()
        herder.setHealth(health)
        let api = RestAPI(herder: herder, log: log.log, browserGuard: BrowserGuard(allowedHosts: nil), version: "0.0.0")
        for (path, status) in [("/health", ofHealth), ("/healthz", ofHealthz), ("/readyz", ofReadyz)] {
            let response = api.respond(method: "GET", rawTarget: path, headers: Headers(), body: [])
            #expect(response.status == status, "\(path)")
            #expect(String(decoding: response.body, as: UTF8.self) == #"{"status":"\#(health.state.rawValue)","message":"\#(health.message)"}"#)
        }
    }

    /// Every method of every route says something in Connect's error body or succeeds; nothing is forgotten in the dispatch.
    @Test func refusalsOfTheHerderKeepTheirMeaning() throws {
        let log = try TestLog()
        let herder = ScriptedHerder()
        let api = RestAPI(herder: herder, log: log.log, browserGuard: BrowserGuard(allowedHosts: nil), version: "0.0.0")
        let kinds: [(HerderError.Kind, Int)] = [
            (.badRequest, 400), (.forbidden, 403), (.conflict, 409), (.timeout, 500), (.unavailable, 503), (.internalError, 500), (.alreadyExists, 409),
        ]
        for (kind, status) in kinds {
            herder.before { (_) throws(HerderError) in throw HerderError(kind, "said so") }
            let response = api.respond(method: "GET", rawTarget: "/connectors/a", headers: Headers(), body: [])
            #expect(response.status == status)
            #expect(String(decoding: response.body, as: UTF8.self) == #"{"error_code":\#(status),"message":"said so"}"#)
        }
    }
}
