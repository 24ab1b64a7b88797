/// Requests per second, as a token bucket that holds one second's worth.
package struct RateLimit: Sendable {
    /// 0: no limit.
    private let perSecond: Double
    private var tokens: Double
    private var filledAt: Int64?

    package init(perSecond: Double) {
        self.perSecond = perSecond
        tokens = max(1, perSecond)
    }

    private mutating func fill(_ now: Int64) {
        if let filledAt, now > filledAt { tokens = min(max(1, perSecond), tokens + Double(now - filledAt) / 1000 * perSecond) }
        filledAt = now
    }

    package mutating func verdict(now: Int64) -> Verdict {
        if perSecond <= 0 { return .go }
        fill(now)
        if tokens >= 1 { return .go }
        return .wait(until: now + Int64(((1 - tokens) / perSecond * 1000).rounded(.up)))
    }

    package mutating func started() {
        if perSecond > 0 { tokens -= 1 }
    }
}
