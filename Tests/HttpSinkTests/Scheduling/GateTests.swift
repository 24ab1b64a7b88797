import Connectors
import Testing

struct GateTests {
    @Test func backoffDoublesUpToItsBoundAndIsRandomBelowIt() {
        let backoff = JitterBackoff(minimum: 100, maximum: 1_000)
        #expect((1...6).map { backoff.bound(attempt: $0) } == [100, 200, 400, 800, 1_000, 1_000])
        #expect(backoff.bound(attempt: Int.max) == 1_000)
        #expect(JitterBackoff(minimum: Int64.max / 2, maximum: .max).bound(attempt: 9) == .max)
        var random = SystemRandomNumberGenerator()
        let delays = (0..<500).map { _ in backoff.delay(attempt: 3, using: &random) }
        #expect(delays.allSatisfy { (0...400).contains($0) })
        #expect(Set(delays).count > 20)
        #expect(JitterBackoff(minimum: 0, maximum: 0).delay(attempt: 5, using: &random) == 0)
    }

    @Test func breakerOpensProbesAndCloses() {
        var breaker = CircuitBreaker(threshold: 3, pauseMilliseconds: 100, longestPauseMilliseconds: 250)
        breaker.failed(now: 0)
        breaker.failed(now: 0)
        breaker.answered()
        for _ in 0..<3 { #expect(breaker.verdict(now: 10) == .go); breaker.failed(now: 10) }
        #expect(breaker.verdict(now: 10) == .wait(until: 110))
        breaker.failed(now: 50)
        #expect(breaker.verdict(now: 50) == .wait(until: 110), "requests that were under way change nothing")
        #expect(breaker.verdict(now: 110) == .go)
        breaker.started(now: 110)
        #expect(breaker.verdict(now: 110) == .wait(until: nil), "one probe alone")
        breaker.failed(now: 120)
        #expect(breaker.verdict(now: 120) == .wait(until: 320), "the pause doubles")
        breaker.started(now: 320)
        breaker.failed(now: 330)
        #expect(breaker.verdict(now: 330) == .wait(until: 580), "up to its bound")
        breaker.started(now: 580)
        breaker.abandoned(now: 590)
        #expect(breaker.verdict(now: 590) == .go)
        breaker.started(now: 590)
        breaker.answered()
        #expect(breaker.state == .closed(failures: 0))
    }

    @Test func breakerCanBeSwitchedOff() {
        var breaker = CircuitBreaker(threshold: 0, pauseMilliseconds: 100, longestPauseMilliseconds: 100)
        for _ in 0..<100 { breaker.failed(now: 0) }
        #expect(breaker.verdict(now: 0) == .go)
    }

    @Test func theWindowHalvesAndGrowsAgain() {
        var gate = HostGate(widest: 8, breaker: CircuitBreaker(threshold: 0, pauseMilliseconds: 1, longestPauseMilliseconds: 1))
        for _ in 0..<8 { gate.started(now: 0) }
        #expect(gate.verdict(now: 0) == .wait(until: nil))
        gate.throttled(until: 500)
        #expect(gate.window == 4)
        #expect(gate.verdict(now: 499) == .wait(until: 500))
        #expect(gate.verdict(now: 500) == .wait(until: nil), "seven are still out, four may be")
        for _ in 0..<4 { gate.answered(now: 500) }
        #expect(gate.verdict(now: 500) == .go)
        for _ in 0..<200 {
            gate.started(now: 500)
            gate.answered(now: 500)
        }
        #expect(gate.window == 8)
        for _ in 0..<3 { gate.throttled(until: 600) }
        #expect(gate.window == 1)
    }

    @Test func theRateIsKept() {
        var rate = RateLimit(perSecond: 10)
        var sent = 0
        for now in stride(from: Int64(0), through: 10_000, by: 10) {
            while rate.verdict(now: now) == .go {
                rate.started()
                sent += 1
            }
        }
        #expect((100...111).contains(sent))
        guard case .wait(let until?) = rate.verdict(now: 10_000) else { Issue.record("nothing to wait for"); return }
        #expect((10_001...10_100).contains(until))
        var none = RateLimit(perSecond: 0)
        #expect(none.verdict(now: 0) == .go)
    }
}
