/// The reporter handed to sink tasks: bad records become dead letters, or end the task.
final class SinkReporter: ErrantRecordReporter {
    private let queue: DeadLetterQueue
    private let policy: ErrorPolicy
    private let className: String
    private let metrics: TaskMetrics
    /// Set once the task must fail, also when the sink swallows the error.
    private(set) var intolerable: ConnectError?

    init(queue: DeadLetterQueue, policy: ErrorPolicy, className: String, metrics: TaskMetrics) {
        self.queue = queue
        self.policy = policy
        self.className = className
        self.metrics = metrics
    }

    func report(_ failures: [(entry: RecordBatch.Entry, error: ConnectError)]) throws {
        if failures.isEmpty { return }
        metrics.recordsFailed.add(failures.count)
        var all: [(entry: RecordBatch.Entry, failure: RecordFailure)] = failures.map {
            ($0.entry, RecordFailure(stage: .taskPut, pluginClass: className, error: $0.error))
        }
        all.sort { left, right in Self.place(left.entry) < Self.place(right.entry) }
        if policy.tolerance == .none {
            try queue.take([all[0]])
            let error = IntolerableFailure(entry: all[0].entry, failure: all[0].failure).connectError
            intolerable = error
            throw error
        }
        do {
            try queue.take(all)
        } catch {
            // A letter that is not written must not be forgotten by a sink that goes on regardless.
            intolerable = ConnectError(error)
            throw error
        }
    }

    private static func place(_ entry: RecordBatch.Entry) -> (TopicPartition, Int64) {
        guard case .log(let origin) = entry.origin else { return (TopicPartition("", 0), 0) }
        return (origin.topicPartition, origin.offset)
    }
}
