/// What `errors.*` says about a record that failed: a pure decision. Nobody sleeps, logs or writes here.
package struct ErrorPolicy: Sendable, Hashable {
    package enum Tolerance: String, Sendable, CaseIterable { case none, all }

    /// −1: for ever.
    package var retryTimeoutMilliseconds: Int
    package var longestDelayMilliseconds: Int
    package var tolerance: Tolerance
    package var logsErrors: Bool
    package var logsCoordinates: Bool
    package var deadLetterTopic: Name?
    package var addsContextHeaders: Bool

    package init(
        retryTimeoutMilliseconds: Int = 0, longestDelayMilliseconds: Int = 60_000, tolerance: Tolerance = .none,
        logsErrors: Bool = false, logsCoordinates: Bool = false, deadLetterTopic: Name? = nil, addsContextHeaders: Bool = false
    ) {
        self.retryTimeoutMilliseconds = retryTimeoutMilliseconds
        self.longestDelayMilliseconds = longestDelayMilliseconds
        self.tolerance = tolerance
        self.logsErrors = logsErrors
        self.logsCoordinates = logsCoordinates
        self.deadLetterTopic = deadLetterTopic
        self.addsContextHeaders = addsContextHeaders
    }

    package enum Decision: Sendable, Hashable {
        /// Wait so long (or until the task is wanted), then try the same step again.
        case retry(afterMilliseconds: Int)
        /// The record is given up: report it (log, dead letter) and go on.
        case skip
        /// Report it, then the task fails.
        case fail
    }

    /// - Parameters:
    ///   - attempt: how often the step has failed by now, from 1.
    ///   - elapsedMilliseconds: since the first try.
    ///   - random: a number in 0..<its argument.
    package func decide(
        _ error: ConnectError, attempt: Int, elapsedMilliseconds: Int,
        random: (Int) -> Int = { Int.random(in: 0..<max(1, $0)) }
    ) -> Decision {
        switch error.kind {
        case .fatal, .fenced: return .fail
        case .data, .configuration: return given(up: ())
        case .retriable:
            let remaining = retryTimeoutMilliseconds < 0 ? Int.max : retryTimeoutMilliseconds - elapsedMilliseconds
            // A retriable error that used its time up fails the task unless errors are tolerated, like any other.
            if remaining <= 0 { return given(up: ()) }
            let doubled = 300 << min(max(attempt, 1) - 1, 30)
            let delay = doubled > longestDelayMilliseconds ? random(longestDelayMilliseconds) : doubled
            return .retry(afterMilliseconds: min(delay, remaining))
        }
    }

    private func given(up: Void) -> Decision { tolerance == .all ? .skip : .fail }

    /// An error thrown by a transform or converter, in our terms: a foreign one is the record's fault, not the worker's.
    package static func recordError(_ error: any Error, _ pluginClass: String) -> ConnectError {
        if let error = error as? ConnectError { return error }
        if let error = error as? LogError { return error.connectError }
        return ConnectError(.data, code: "record.failed", "\(pluginClass): \(error)")
    }
}
