/// How much one server is asked at a time: a window that halves when it says "too many" and grows again with every answer, a pause it asked for, and its breaker.
package struct HostGate: Sendable {
    package private(set) var window: Double
    package private(set) var inFlight = 0
    package private(set) var holdUntil = Int64.min
    package var breaker: CircuitBreaker
    private let widest: Double

    package init(widest: Int, breaker: CircuitBreaker) {
        self.widest = Double(max(1, widest))
        window = self.widest
        self.breaker = breaker
    }

    package func verdict(now: Int64) -> Verdict {
        if now < holdUntil { return .wait(until: holdUntil) }
        if inFlight >= Int(window) { return .wait(until: nil) }
        return breaker.verdict(now: now)
    }

    package mutating func started(now: Int64) {
        inFlight += 1
        breaker.started(now: now)
    }

    package mutating func answered(now: Int64) {
        inFlight -= 1
        breaker.answered()
        // Answers to what was out when the server said "too many" say nothing about now.
        if now >= holdUntil { window = min(widest, window + 1 / window) }
    }

    package mutating func failed(now: Int64) {
        inFlight -= 1
        breaker.failed(now: now)
    }

    /// 429: everything to this server waits, then fewer go at a time.
    package mutating func throttled(until: Int64) {
        inFlight -= 1
        breaker.answered()
        window = max(1, (window / 2).rounded(.down))
        holdUntil = max(holdUntil, until)
    }

    package mutating func abandoned(now: Int64) {
        inFlight -= 1
        breaker.abandoned(now: now)
    }

    /// Nothing is remembered of it: it may be forgotten.
    package func isPlain(now: Int64) -> Bool {
        inFlight == 0 && now >= holdUntil && window == widest && breaker.state == .closed(failures: 0)
    }
}
