import ConnectTesting
import Glibc
import Synchronization
import Testing

/// The circuit breaker of the HTTP sink as the server behind it sees it: a server that is down is asked by one request at a time, ever more
/// rarely, and gets everything once it is back.
@Suite(.serialized) struct HttpBreakerTests {
    private static let failures = 5, lanes = 4

    private static func hook(_ url: String, lanes: Int, pause: Int, longest: Int) throws -> Hook {
        try Hook(["out": [
            "http.url": url, "order.by": "none", "delivery.lanes": "\(lanes)", "circuit.breaker.failures": "\(failures)", "circuit.breaker.pause.ms": "\(pause)", "retry.backoff.ms": "1",
            "retry.backoff.max.ms": "\(longest)",
        ]])
    }

    /// Whether it answers that it cannot, or hangs up: both count. One lane, so that the server sees every wait as the sink made it.
    @Test(arguments: [false, true]) func aServerThatIsDownIsAskedEverMoreRarely(hangsUp: Bool) async throws {
        try await onThread {
            let backend = Backend(hangsUp: hangsUp, lanes: 1)
            let server = try ScriptedServer(keepsRequests: false) { request, _ in backend.answer(request) }
            defer { server.stop() }
            let pause = 50, longest = 200, probes = 6
            let hook = try Self.hook(server.url, lanes: 1, pause: pause, longest: longest), worker = try hook.start()
            try hook.post(numbers: 40)
            try #require(eventually { backend.arrivals.count >= Self.failures + probes }, "\(backend.arrivals.count) requests: \((try? worker.note("out")) ?? "") \(worker.process.errors.suffix(2000))")
            let note = try eventually(within: 20) { try worker.note("out") } ?? ""
            #expect(note.contains(hangsUp ? "got no answer" : "answered 503") && note.contains("failed in a row") && note.contains("40 records wait"), "\(note)")
            backend.recover()
            #expect(eventually { backend.delivered.count == 40 }, "\(backend.delivered.count) of 40: \(worker.process.errors.suffix(2000))")
            #expect(Set(backend.delivered).count == 40, "each once")
            #expect(try eventually(within: 20) { try worker.note("out") == nil ? true : nil } == true, "nothing is waited for any more")
            #expect(try worker.taskStates("out").map(\.state) == ["RUNNING"])
            try worker.stop()
            let arrivals = backend.arrivals
            for number in 0..<probes {
                let index = Self.failures + number, due = min(pause << number, longest)
                // The sink counts in whole milliseconds.
                #expect(arrivals[index].begin - arrivals[index - 1].end >= .milliseconds(due - 1), "probe \(number)")
            }
        }
    }

    /// Several lanes: while the server is down one request looks at a time; once it is well all lanes are at it again.
    @Test func oneRequestLooksAndAllFollow() async throws {
        try await onThread {
            let backend = Backend(hangsUp: false, lanes: Self.lanes)
            let server = try ScriptedServer(keepsRequests: false) { request, _ in backend.answer(request) }
            defer { server.stop() }
            // The burst: as many as open the breaker, and those that were out beside the last of them.
            let burst = Self.failures + Self.lanes - 1, pause = 300, probes = 5
            let hook = try Self.hook(server.url, lanes: Self.lanes, pause: pause, longest: pause), worker = try hook.start()
            try hook.post(numbers: 40)
            try #require(eventually { backend.arrivals.count >= burst + probes }, "\(backend.arrivals.count) requests: \((try? worker.note("out")) ?? "") \(worker.process.errors.suffix(2000))")
            let arrivals = backend.arrivals, first = try #require(arrivals.first), time = ContinuousClock.now - first.begin
            // However slow this machine is: each pause lets one through.
            #expect(arrivals.count <= burst + Int(time / .milliseconds(pause)) + 1, "\(arrivals.count) requests in \(time)")
            backend.recover()
            #expect(eventually { backend.delivered.count == 40 }, "\(backend.delivered.count) of 40: \(worker.process.errors.suffix(2000))")
            #expect(Set(backend.delivered).count == 40, "each once")
            #expect(backend.besideTheProbe == 0, "the first request after the failures is alone until its answer is there")
            #expect(backend.mostAtOnce == Self.lanes, "all lanes are at it again")
            try worker.stop()
        }
    }

    /// An open breaker keeps nobody: the worker ends while the pause has an hour to go, and the next one delivers what was not.
    @Test func anOpenBreakerDoesNotHoldUpTheEnd() async throws {
        try await onThread {
            let backend = Backend(hangsUp: false, lanes: Self.lanes)
            let server = try ScriptedServer(keepsRequests: false) { request, _ in backend.answer(request) }
            defer { server.stop() }
            let hook = try Self.hook(server.url, lanes: Self.lanes, pause: 3_600_000, longest: 5)
            let first = try hook.start("first")
            try hook.post(numbers: 40)
            #expect(eventually { backend.arrivals.count >= Self.failures })
            #expect(try eventually(within: 20) { try first.note("out") } != nil)
            try first.stop()
            #expect((Self.failures...Self.failures + Self.lanes - 1).contains(backend.arrivals.count), "\(backend.arrivals.count) requests before the pause")
            backend.recover()
            let next = try hook.start("next")
            #expect(eventually { backend.delivered.count == 40 }, "\(backend.delivered.count) of 40: \(next.process.errors.suffix(2000))")
            #expect(Set(backend.delivered).count == 40)
            try next.stop()
        }
    }
}

/// Fails every request until it recovers; then it keeps the first one waiting for a while, and the next ones until all lanes have one out.
private final class Backend: Sendable {
    struct Arrival {
        let begin: ContinuousClock.Instant
        var end: ContinuousClock.Instant
    }

    private struct State {
        var arrivals: [Arrival] = []
        var delivered: [String] = []
        var inFlight = 0
        var mostAtOnce = 0
        var isUp = false
        var isProbed = false
        var besideTheProbe = 0
    }
    private let state = Mutex(State())
    private let hangsUp: Bool
    private let lanes: Int

    init(hangsUp: Bool, lanes: Int) {
        self.hangsUp = hangsUp
        self.lanes = lanes
    }

    var arrivals: [Arrival] { state.withLock { $0.arrivals } }
    /// Idempotency keys of requests that were answered well.
    var delivered: [String] { state.withLock { $0.delivered } }
    /// Most requests under way at a time since it recovered.
    var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }
    /// Requests that came while the first good one had no answer yet.
    var besideTheProbe: Int { state.withLock { $0.besideTheProbe } }

    func recover() { state.withLock { $0.isUp = true } }

    func answer(_ request: ScriptedRequest) -> ScriptedAnswer {
        let (isUp, isProbe, index) = state.withLock { state in
            state.inFlight += 1
            state.arrivals.append(Arrival(begin: .now, end: .now))
            let isProbe = state.isUp && !state.isProbed
            if state.isUp {
                state.isProbed = true
                state.mostAtOnce = max(state.mostAtOnce, state.inFlight)
            }
            return (state.isUp, isProbe, state.arrivals.count - 1)
        }
        if isProbe {
            // A sink that asked more than once would do so in this time; one that does not is not blamed for a slow machine.
            usleep(300_000)
            state.withLock { $0.besideTheProbe = $0.arrivals.count - 1 - index }
        } else if isUp {
            _ = eventually { mostAtOnce == lanes || delivered.count + lanes > 40 }
        }
        state.withLock { state in
            state.inFlight -= 1
            state.arrivals[index].end = .now
            if isUp { state.delivered.append(request.header("Idempotency-Key") ?? "") }
        }
        if isUp { return .status(200) }
        return hangsUp ? .close : .status(503)
    }
}
