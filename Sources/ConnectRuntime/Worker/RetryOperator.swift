/// Carries out the ``ErrorPolicy`` for one step of one record: tries again while it says so, then marks the record.
final class RetryOperator {
    var policy = ErrorPolicy()
    private let handle: TaskHandle
    private let clock: any WorkerClock
    /// Entries that failed since the last ``takeFailures()``, in the order in which they failed.
    private var failures: [(entry: RecordBatch.Entry, failure: RecordFailure)] = []

    init(handle: TaskHandle, clock: any WorkerClock) {
        self.handle = handle
        self.clock = clock
    }

    /// Runs `body` for an entry's record.
    /// - Parameter firstError: what the first try, made elsewhere, threw.
    /// - Returns: its result, or `nil` when the record was given up (its outcome says why).
    /// - Throws: ``IntolerableFailure`` when the policy says that the task fails.
    func run<R>(
        _ stage: Stage, _ pluginClass: String, _ entry: inout RecordBatch.Entry, firstError: (any Error)? = nil,
        _ body: (inout Record) throws -> R
    ) throws -> R? {
        var pending = firstError
        if pending == nil {
            do { return try body(&entry.record) } catch { pending = error }
        }
        let start = clock.monotonicNanoseconds()
        var attempt = 1
        while let error = pending {
            let cause = ErrorPolicy.recordError(error, pluginClass)
            let elapsed = Int((clock.monotonicNanoseconds() &- start) / 1_000_000)
            let decision = policy.decide(cause, attempt: attempt, elapsedMilliseconds: elapsed)
            switch decision {
            case .retry(let wait) where !handle.mailbox.read().stop:
                handle.metrics.retries.add()
                handle.monitor.setNote("\(stage.rawValue): \(cause.message) (try \(attempt + 1) in \(TaskLoop.seconds(wait)))")
                TaskLoop.sleep(wait, handle.mailbox, clock)
                handle.monitor.setNote(nil)
                attempt += 1
                do { return try body(&entry.record) } catch { pending = error }
            case .retry:
                // Asked to stop in the middle of retrying: nothing is decided about the record, it comes again.
                throw ConnectError(.retriable, code: "task.stopped", "stopped while retrying", causes: [cause.message])
            case .skip, .fail:
                let failure = RecordFailure(stage: stage, pluginClass: pluginClass, error: cause)
                entry.outcome = .failed(failure)
                handle.metrics.recordsFailed.add()
                failures.append((entry, failure))
                if decision == .fail { throw IntolerableFailure(entry: entry, failure: failure) }
                return nil
            }
        }
        return nil
    }

    /// Whether anything failed since the last look.
    var hasFailures: Bool { !failures.isEmpty }

    func takeFailures() -> [(entry: RecordBatch.Entry, failure: RecordFailure)] {
        defer { failures.removeAll() }
        return failures
    }
}

/// A record whose failure the task may not survive.
struct IntolerableFailure: Error {
    let entry: RecordBatch.Entry
    let failure: RecordFailure

    /// What stands in the task's status.
    var connectError: ConnectError {
        let error = failure.error
        let kind: ConnectError.Kind = error.kind == .fenced ? .fenced : .fatal
        return ConnectError(
            kind, code: error.code, "\(failure.stage.rawValue) (\(failure.pluginClass)) failed for \(Coordinates.words(entry)): \(error.message)",
            suggestion: error.suggestion ?? "fix the record or its source, then restart the task; errors.tolerance=all with a dead letter topic lets the others pass",
            causes: ["Tolerance exceeded in error handler"] + error.causes)
    }
}

/// Where a record stands, in words for people.
enum Coordinates {
    static func words(_ entry: RecordBatch.Entry) -> String {
        switch entry.origin {
        case .log(let origin): "record \(origin.topicPartition)@\(origin.offset)"
        case .source(let origin):
            "the record for topic \(entry.record.topic) of source partition \(String(decoding: origin.partition.json, as: UTF8.self))"
                + (origin.offset.map { " at \(String(decoding: $0.json, as: UTF8.self))" } ?? "")
        }
    }
}
