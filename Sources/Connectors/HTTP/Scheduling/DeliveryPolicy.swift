/// What the scheduler goes by.
package struct DeliveryPolicy: Sendable {
    package var lanes = 8
    package var batchRecords = 1
    package var batchBytes = 1 << 20
    /// How long a batch that is not full waits for more.
    package var lingerMilliseconds: Int64 = 0
    /// Whether one batch may hold a key twice: then an answer that names single items can upset that key's order.
    package var repeatsKeys = false
    /// Tries again after the first; −1 without limit.
    package var retries = -1
    /// Gives up what has been failing for so long; 0 never does.
    package var retryAgeMilliseconds: Int64 = 0
    package var backoff = JitterBackoff(minimum: 200, maximum: 60_000)
    /// Cuts a refused batch in two until the bad record stands alone.
    package var bisects = true
    package var breakerFailures = 10
    package var breakerPause: Int64 = 1_000
    package var breakerLongestPause: Int64 = 60_000
    package var requestsPerSecond: Double = 0

    package init() {}
}

/// What a request came to.
package enum DeliveryOutcome: Sendable {
    case delivered
    /// One outcome per item, in order.
    case items([ItemOutcome])
    /// May pass later. `after`: what the server asked for.
    case failed(FailureKind, after: Int64?, DeliveryFailure)
    /// Will never pass.
    case refused(DeliveryFailure)
    /// The token was not taken; another one is at hand.
    case newToken(DeliveryFailure)
    /// Broken off by us: try again without counting it.
    case abandoned

    package enum FailureKind: Sendable {
        /// No answer, or "I cannot": counts for the breaker.
        case server
        /// "Too many": slows everything to that server.
        case throttled
        /// "Not this one, not now": an answer all the same.
        case request
    }
}

package enum ItemOutcome: Sendable {
    case delivered
    case failed(DeliveryFailure)
    case refused(DeliveryFailure)
}

/// Why a record was not delivered, in words for people; without secrets.
package struct DeliveryFailure: Sendable, Hashable {
    /// 0 when there was no answer.
    package let status: Int
    package let message: String
    /// The first bytes of the answer.
    package let answer: [UInt8]
    private let ownCode: String?
    /// What the record's error is known by.
    package var code: String { ownCode ?? (status == 0 ? "http.no_answer" : "http.status_\(status)") }

    /// - Parameter code: where neither the status nor the lack of an answer says it.
    package init(status: Int, _ message: String, answer: [UInt8] = [], code: String? = nil) {
        self.status = status
        self.message = message
        self.answer = answer
        ownCode = code
    }
}
