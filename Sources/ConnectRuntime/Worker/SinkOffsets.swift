/// How far a sink task has come and what of it its group has committed. Lives on the task's thread.
final class SinkOffsets {
    private let task: any SinkTask
    private let consumer: any LogConsumer
    private let queue: DeadLetterQueue
    private let monitor: TaskMonitor
    private let parts: WorkerParts
    private let logger: Logger

    /// The end of what was put, per partition.
    private var delivered: [TopicPartition: CommittedOffset] = [:]
    private var committed: [TopicPartition: CommittedOffset] = [:]
    private var lastCommit: UInt64
    /// Set while offsets are on their way, and for good when that failed.
    private(set) var isCommitting = false

    init(task: any SinkTask, consumer: any LogConsumer, queue: DeadLetterQueue, monitor: TaskMonitor, parts: WorkerParts, logger: Logger) {
        self.task = task
        self.consumer = consumer
        self.queue = queue
        self.monitor = monitor
        self.parts = parts
        self.logger = logger
        lastCommit = parts.clock.monotonicNanoseconds()
    }

    /// How long the regular commit may wait yet.
    var millisecondsUntilCommit: Int {
        let passed = Int((parts.clock.monotonicNanoseconds() &- lastCommit) / 1_000_000)
        return max(0, parts.settings.offsetFlushIntervalMilliseconds - passed)
    }

    func opened(_ place: TopicPartition, committed offset: CommittedOffset?) { committed[place] = offset }

    /// The partition is not this task's any more.
    func forget(_ place: TopicPartition) {
        delivered[place] = nil
        committed[place] = nil
    }

    /// The sink goes on elsewhere: what was delivered before says nothing of where it stands.
    func sought(_ place: TopicPartition) { delivered[place] = nil }

    /// Everything before an offset was put, filtered or dead-lettered (P1).
    func delivered(_ place: TopicPartition, upTo end: CommittedOffset) { delivered[place] = end }

    /// Commits what was delivered of all partitions.
    func commit() throws { try commit(Array(delivered.keys)) }

    /// Commits what the sink says is safe of what was delivered. A failure that passes is said, and tried again with the next commit.
    /// - Throws: what the sink refused with, and what the log can never take.
    func commit(_ partitions: [TopicPartition]) throws {
        lastCommit = parts.clock.monotonicNanoseconds()
        var current: [TopicPartition: CommittedOffset] = [:]
        for place in partitions { if let end = delivered[place], end != committed[place] { current[place] = end } }
        if current.isEmpty { return }
        monitor.enter(.committing)
        isCommitting = true
        var safe: [TopicPartition: CommittedOffset] = [:]
        for (place, wanted) in try task.preCommit(current) {
            guard let end = current[place], wanted.offset <= end.offset else {
                logger.warning("the sink wants to commit \(place) at \(wanted.offset), which was not delivered; ignored")
                continue
            }
            if wanted != committed[place] { safe[place] = wanted }
        }
        if safe.isEmpty {
            isCommitting = false
            return
        }
        do {
            try consumer.commit(safe)
            isCommitting = false
        } catch {
            switch error.kind {
            // Of a topic that was deleted: its partitions are told to be lost with the next poll.
            case .retriable, .abortable, .fenced, .unknownTopic:
                isCommitting = false
                logger.warning("the group's offsets could not be committed and are tried again", error: error.connectError)
                return
            case .invalid, .offsetOutOfRange, .damaged, .fatal: throw error
            }
        }
        for (place, offset) in safe { committed[place] = offset }
        try queue.committed(safe.mapValues(\.offset))
    }
}
