import ConnectRuntime
import Curl

/// Reads what came of a request.
extension HttpSender {
    /// - Throws: ``ConnectError`` `.fatal` when no request will ever succeed: nobody to trust, no file to show.
    func outcome(of error: CurlError, _ start: Start) throws -> SentOutcome {
        let first = start.items[0].payload
        let words = "\(method(first.isDelete)) \(first.target.shown) got no answer: \(error)"
        switch error.kind {
        case .connect, .timeout, .broken: return failed(.server, DeliveryFailure(status: 0, words))
        case .trust:
            throw ConnectError(
                .fatal, code: "http.tls", words, suggestion: "check tls.ca (whom to trust), tls.certificate and tls.key, and the server's certificate and name")
        case .refused: return refused(DeliveryFailure(status: 0, words, code: "http.address_not_allowed"))
        case .local: return refused(DeliveryFailure(status: 0, words, code: "http.request"))
        }
    }

    func outcome(of response: CurlResponse, _ start: Start, _ token: AccessToken?) throws -> SentOutcome {
        let isDelete = start.items[0].payload.isDelete
        let verdict = configuration.statuses.verdict(response.status, isDelete: isDelete)
        let isTaken = verdict == .delivered && says(response, at: configuration.successPath, isDelete: isDelete)
        if isTaken, response.status != 207 { return delivered(response) }
        let answer = Array(redaction.clean(response.body).prefix(DeliveryFailure.answerLimit))
        let failure = DeliveryFailure(status: response.status, "\(method(isDelete)) \(start.items[0].payload.target.shown) answered \(response.status)", answer: answer)
        if verdict == .delivered, !isTaken { return refused(failure) }
        if response.status == 401, let token, case .oauth2(let source) = configuration.authorization {
            do { if !start.hasNewToken { _ = try fetch(source, refused: token.version) } } catch {
                let error = ConnectError(error)
                guard error.kind == .retriable else { throw error }
                return failed(.server, DeliveryFailure(status: 401, error.message))
            }
            return SentOutcome(delivery: .newToken(failure), response: nil, failure: nil)
        }
        if response.status == 207, configuration.batch != nil, !isDelete {
            let rules = configuration.statuses
            guard let outcomes = PartialResult.read(redaction.clean(response.body), items: start.items.count, path: configuration.responseItems, verdict: { rules.verdict($0, isDelete: false) })
            else {
                // It does not say which: with each record alone, it has to. Alone, it means what a 2xx means.
                return start.items.count > 1 ? refused(failure) : delivered(response)
            }
            if outcomes.contains(where: { if case .delivered = $0 { false } else { true } }) { lastFailure = failure.message + " with failed items" } else { lastFailure = nil }
            return SentOutcome(delivery: .items(outcomes), response: response, failure: nil)
        }
        let after = response.header("Retry-After").flatMap { RetryAfter.milliseconds($0, wallMilliseconds: context.clock.wallMilliseconds()) }
        switch verdict {
        case .delivered: return delivered(response)
        case .refused: return refused(failure)
        case .throttled: return failed(.throttled, failure, after: after)
        // A server that says when it will be back means everybody.
        case .retriable where response.status == 503 && after != nil: return failed(.throttled, failure, after: after)
        case .retriable: return failed(response.status >= 500 ? .server : .request, failure, after: after)
        }
    }

    /// Whether an answer says what `response.success.path` asks for.
    private func says(_ response: CurlResponse, at path: [Name]?, isDelete: Bool) -> Bool {
        guard let path, !isDelete else { return true }
        var found = try? JSON.parse(response.body, duplicateNames: .lastWins)
        for name in path { found = found?[name] }
        switch found {
        case nil, .null?, .boolean(false)?: return false
        case .string(let text)?: return !text.isEmpty
        case .number(let text)?: return Double(text) != 0
        default: return true
        }
    }

    private func method(_ isDelete: Bool) -> String { isDelete ? configuration.deleteMethod : configuration.method }

    private func delivered(_ response: CurlResponse) -> SentOutcome {
        lastFailure = nil
        return SentOutcome(delivery: .delivered, response: response, failure: nil)
    }

    private func refused(_ failure: DeliveryFailure) -> SentOutcome { SentOutcome(delivery: .refused(failure), response: nil, failure: nil) }

    func failed(_ kind: DeliveryOutcome.FailureKind, _ failure: DeliveryFailure, after: Int64? = nil) -> SentOutcome {
        lastFailure = failure.message
        return SentOutcome(delivery: .failed(kind, after: after, failure), response: nil, failure: failure)
    }
}
