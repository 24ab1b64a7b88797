package import ConnectRuntime

/// Reads an answer that tells each item's fate (status 207, or any with such a body).
package enum PartialResult {
    /// One outcome per item, in order; `nil` when the answer does not say.
    ///
    /// Two shapes are understood: an array with one result per item (the document itself, or at a path such as `items`), each with a
    /// `status`; and `errors`, a list of `{"index", "status"}` for the items that failed.
    package static func read(_ body: [UInt8], items: Int, path: [Name], verdict: (Int) -> StatusVerdict) -> [ItemOutcome]? {
        guard let document = try? JSON.parse(body, duplicateNames: .lastWins) else { return nil }
        var target: JSON? = document
        if document.elements == nil { for name in path { target = target?[name] } }
        if let results = target?.elements, results.count == items {
            var outcomes: [ItemOutcome] = []
            for (index, result) in results.enumerated() {
                guard let status = status(of: result) else { return nil }
                outcomes.append(outcome(status, result, index, verdict))
            }
            return outcomes
        }
        guard let errors = document["errors"]?.elements else { return nil }
        var outcomes = Array(repeating: ItemOutcome.delivered, count: items)
        for error in errors {
            guard let index = error["index"]?.int64, index >= 0, index < Int64(items) else { return nil }
            // An error without a status is the item's own fault.
            outcomes[Int(index)] = outcome(status(of: error) ?? 400, error, Int(index), verdict)
        }
        return outcomes
    }

    private static func status(of result: JSON) -> Int? {
        for name in ["status", "statusCode", "status_code", "code"] as [Name] {
            switch result[name] {
            case .number(let text)?: return Int(text)
            case .string(let text)?: if let number = Int(text) { return number }
            default: continue
            }
        }
        return nil
    }

    private static func outcome(_ status: Int, _ result: JSON, _ index: Int, _ verdict: (Int) -> StatusVerdict) -> ItemOutcome {
        let failure = DeliveryFailure(
            status: status, "the server answered \(status) for item \(index) of a batch", answer: Array(result.serialized().prefix(DeliveryFailure.answerLimit)))
        return switch verdict(status) {
        case .delivered: .delivered
        case .retriable, .throttled: .failed(failure)
        case .refused: .refused(failure)
        }
    }
}

/// What a status means for the record.
package enum StatusVerdict: Sendable, Hashable { case delivered, retriable, throttled, refused }

extension DeliveryFailure {
    /// Most bytes of an answer that are kept.
    package static let answerLimit = 4096
}
