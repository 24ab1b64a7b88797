/// Stops asking a server that does not answer, and then lets one request find out whether it does again.
package struct CircuitBreaker: Sendable {
    package enum State: Sendable, Hashable {
        /// Requests pass; so many have failed one after another.
        case closed(failures: Int)
        /// Nothing passes before this time.
        case open(until: Int64)
        /// One request is out to see.
        case probing
    }

    package private(set) var state = State.closed(failures: 0)
    /// Failures in a row that open it; 0 switches it off.
    private let threshold: Int
    private let pause: JitterBackoff
    /// How often it opened in a row: the pause grows.
    private var openings = 0

    package init(threshold: Int, pauseMilliseconds: Int64, longestPauseMilliseconds: Int64) {
        self.threshold = threshold
        pause = JitterBackoff(minimum: pauseMilliseconds, maximum: longestPauseMilliseconds)
    }

    /// Whether a request may go out; otherwise when to look again (`nil`: when the probe is back).
    package func verdict(now: Int64) -> Verdict {
        switch state {
        case .closed: .go
        case .open(let until): now >= until ? .go : .wait(until: until)
        case .probing: .wait(until: nil)
        }
    }

    package mutating func started(now: Int64) {
        if case .open(let until) = state, now >= until { state = .probing }
    }

    /// Any answer counts, whatever its status says about the record.
    package mutating func answered() {
        state = .closed(failures: 0)
        openings = 0
    }

    /// No answer, or one that says the server cannot.
    package mutating func failed(now: Int64) {
        switch state {
        case .closed(let failures):
            if threshold > 0, failures + 1 >= threshold { open(now) } else { state = .closed(failures: failures + 1) }
        case .probing: open(now)
        // Requests that were under way when it opened tell nothing new.
        case .open: break
        }
    }

    /// The probe was given up without a result.
    package mutating func abandoned(now: Int64) {
        if state == .probing { state = .open(until: now) }
    }

    private mutating func open(_ now: Int64) {
        openings += 1
        state = .open(until: now + pause.bound(attempt: openings))
    }
}

/// Whether something may start now, or when to ask again; `nil`: after something else has ended.
package enum Verdict: Sendable, Hashable {
    case go
    case wait(until: Int64?)
}
