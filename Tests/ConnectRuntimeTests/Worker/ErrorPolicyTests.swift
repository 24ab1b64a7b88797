import ConnectRuntime
import Testing

@Suite struct ErrorPolicyTests {
    private static let retriable = ConnectError(.retriable, code: "x", "later")
    private static let data = ConnectError(.data, code: "x", "bad")

    @Test func waitsDoubleUntilTheBudgetCutsThem() {
        let policy = ErrorPolicy(retryTimeoutMilliseconds: 6000)
        var elapsed = 0, waits: [Int] = [], attempt = 1
        while case .retry(let wait) = policy.decide(Self.retriable, attempt: attempt, elapsedMilliseconds: elapsed) {
            waits.append(wait)
            elapsed += wait
            attempt += 1
        }
        #expect(waits == [300, 600, 1200, 2400, 1500])
    }

    @Test func aWaitBeyondTheLongestIsRandomBelowIt() {
        let policy = ErrorPolicy(retryTimeoutMilliseconds: -1, longestDelayMilliseconds: 1000)
        #expect(policy.decide(Self.retriable, attempt: 3, elapsedMilliseconds: 0) { $0 - 1 } == .retry(afterMilliseconds: 999))
        #expect(policy.decide(Self.retriable, attempt: 500, elapsedMilliseconds: 1_000_000) { _ in 7 } == .retry(afterMilliseconds: 7))
    }

    /// Also a retriable error that used its budget up: nothing is skipped that nobody tolerates.
    @Test(arguments: [
        (ErrorPolicy.Tolerance.none, retriable, ErrorPolicy.Decision.fail), (.all, retriable, .skip), (.none, data, .fail), (.all, data, .skip),
        (.all, ConnectError(.fatal, code: "x", "broken"), .fail), (.all, ConnectError(.fenced, code: "x", "gone"), .fail),
    ])
    func toleranceDecides(_ tolerance: ErrorPolicy.Tolerance, _ error: ConnectError, _ decision: ErrorPolicy.Decision) {
        #expect(ErrorPolicy(tolerance: tolerance).decide(error, attempt: 1, elapsedMilliseconds: 0) == decision)
    }

    @Test func anErrorOfAStrangerIsTheRecordsFault() {
        struct Foreign: Error {}
        #expect(ErrorPolicy.recordError(Foreign(), "Cast").kind == .data)
        #expect(ErrorPolicy.recordError(LogError(.damaged, "torn"), "Json").kind == .fatal)
    }

    @Test func backoffDoublesAndStaysBounded() {
        var backoff = Backoff(first: 200, longest: 1000)
        #expect((0..<6).map { _ in backoff.next { _ in 0 } } == [100, 200, 400, 500, 500, 500])
        for _ in 0..<100 { _ = backoff.next() }
        #expect(backoff.next() <= 1000)
        backoff.reset()
        #expect(backoff.next { _ in 0 } == 100)
    }
}
