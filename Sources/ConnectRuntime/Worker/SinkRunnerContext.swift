final class SinkRunnerContext: RunnerContext, SinkTaskContext {
    var reporter: (any ErrantRecordReporter)?
    /// Set by the runner before the task starts.
    var emitter: SinkEmitter?
    /// Asked for by the task, carried out by the runner before the next poll.
    private(set) var seeks: [TopicPartition: Int64] = [:]
    private(set) var paused: Set<TopicPartition> = []
    private(set) var pausesChanged = false
    private(set) var wantsCommit = false
    private(set) var timeoutMilliseconds: Int?

    func seek(_ partition: TopicPartition, to offset: Int64) { seeks[partition] = offset }

    func pause(_ partitions: [TopicPartition]) {
        paused.formUnion(partitions)
        pausesChanged = true
    }

    func resume(_ partitions: [TopicPartition]) {
        paused.subtract(partitions)
        pausesChanged = true
    }

    func emit(_ records: RecordSet, to topic: Name) throws {
        guard let emitter else { throw ConnectError(.fatal, code: "sink.emit", "nothing can be emitted before the task starts") }
        try emitter.emit(records, to: topic)
    }

    func captured(since generation: UInt64) -> (tables: [CapturedTable], generation: UInt64)? { captured.since(generation) }

    func requestCommit() { wantsCommit = true }
    func setTimeout(milliseconds: Int) { timeoutMilliseconds = max(0, milliseconds) }

    func takeSeeks() -> [TopicPartition: Int64] {
        defer { seeks.removeAll() }
        return seeks
    }

    func takePausesChanged() -> Bool {
        defer { pausesChanged = false }
        return pausesChanged
    }

    func takeWantsCommit() -> Bool {
        defer { wantsCommit = false }
        return wantsCommit
    }

    func takeTimeout() -> Int? {
        defer { timeoutMilliseconds = nil }
        return timeoutMilliseconds
    }

    func forget(_ partitions: [TopicPartition]) {
        paused.subtract(partitions)
        for partition in partitions { seeks[partition] = nil }
    }
}
