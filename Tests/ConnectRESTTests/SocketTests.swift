import ConnectREST
import ConnectRuntime
import ConnectTesting
import Glibc
import Synchronization
import Testing

/// The same cases over a real socket, and what only a socket can show.
@Suite(.serialized) struct SocketTests {
    private func withServer(
        limits: ServerLimits = ServerLimits(), herder: ScriptedHerder = ScriptedHerder(), _ body: @escaping @Sendable (UInt16) throws -> Void
    ) async throws {
        let log = try TestLog()
        let server = try RestServer(ListenAddress(host: "127.0.0.1", port: 0), limits: limits)
        server.serve(RestAPI(herder: herder, log: log.log, browserGuard: BrowserGuard(allowedHosts: []), version: "0.0.0"))
        let port = server.address.port
        defer { server.stop() }
        try await onThread { try body(port) }
    }

    @Test func everyCaseAnswersOverASocketAsItDoesWithout() async throws {
        try await withServer { port in
            for step in RestCase.all {
                var fields = step.headers
                fields["Host"] = "127.0.0.1:\(port)"
                let answer = try RawClient.exchange(port, step.method, step.target, fields, step.body)
                #expect(answer.status == step.status, "\(step): \(answer.body)")
                #expect(answer.headers["Content-Type"] == step.type, "\(step)")
                #expect(answer.headers["Location"] == step.location.map { "http://127.0.0.1:\(port)" + $0 }, "\(step)")
                if step.method == "HEAD" { #expect(answer.body.isEmpty) }
                #expect(step.contains.isEmpty || step.method == "HEAD" || answer.body.contains(step.contains), "\(step): \(answer.body)")
            }
        }
    }

    @Test func aBodyBeyondTheLimitIsRefusedAndTheServerGoesOn() async throws {
        var limits = ServerLimits()
        limits.bodyBytes = 1000
        try await withServer(limits: limits) { port in
            let long = String(repeating: "x", count: 100_000)
            let refused = try RawClient.exchange(port, "POST", "/connectors", ["Host": "localhost"], long)
            #expect(refused.status == 413)
            let answer = try RawClient.exchange(port, "GET", "/connectors", ["Host": "localhost"], "")
            #expect(answer.status == 200)
        }
    }

    @Test func slowCallsHoldNeitherTheServerNorEachOther() async throws {
        let herder = ScriptedHerder()
        let gate = WakeUp()
        herder.before { (call) throws(HerderError) in if call == "status" { _ = gate.wait(milliseconds: 20_000) } }
        try await withServer(herder: herder) { port in
            let slow = try (0..<3).map { _ in try RawClient.open(port, "GET", "/connectors/a/status", ["Host": "localhost"], "") }
            let answer = try RawClient.exchange(port, "GET", "/connectors", ["Host": "localhost"], "")
            #expect(answer.status == 200)
            gate.set()
            for connection in slow {
                let late = try connection.answer()
                #expect(late.status == 404)
            }
        }
    }

    @Test func stoppingGivesUpWhatDoesNotEnd() async throws {
        let herder = ScriptedHerder()
        let gate = WakeUp(), entered = WakeUp()
        herder.before { (call) throws(HerderError) in
            entered.set()
            _ = gate.wait(milliseconds: 20_000)
        }
        var limits = ServerLimits()
        limits.stopMilliseconds = 50
        let log = try TestLog()
        let server = try RestServer(ListenAddress(host: "127.0.0.1", port: 0), limits: limits)
        server.serve(RestAPI(herder: herder, log: log.log, browserGuard: BrowserGuard(allowedHosts: []), version: "0.0.0"))
        try await onThread {
            let slow = try RawClient.open(server.address.port, "GET", "/connectors", ["Host": "localhost"], "")
            #expect(entered.wait(milliseconds: 10_000))
            server.stop()
            // The answer may or may not have got out before the socket closed; the stop itself is what must come to an end.
            let answer = try? slow.answer()
            #expect(answer == nil || answer?.status == 503)
            gate.set()
        }
    }

    @Test func aPortInUseIsNamed() throws {
        let first = try RestServer(ListenAddress(host: "127.0.0.1", port: 0))
        defer { first.stop() }
        let error = #expect(throws: ConnectError.self) { try RestServer(first.address) }
        #expect(error?.code == "rest.port_in_use")
        #expect(error?.message.contains("\(first.address)") == true)
    }

    @Test func beforeItServesItSaysThatItStarts() async throws {
        let server = try RestServer(ListenAddress(host: "127.0.0.1", port: 0))
        defer { server.stop() }
        let port = server.address.port
        let answer = try await onThread { try RawClient.exchange(port, "GET", "/", ["Host": "localhost"], "").status }
        #expect(answer == 503)
    }
}
