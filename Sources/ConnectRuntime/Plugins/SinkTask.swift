/// The part of a sink connector that writes. Lives on one thread of its own: every call comes from there, one at a time, and may block.
///
/// Life: `start`; `open` for partitions that come; `put` and `preCommit` in between; `close` for those that go; `stop`.
public protocol SinkTask: AnyObject {
    /// Begins. A `.retriable` error is tried again with back-off and shown; any other makes the task FAILED.
    func start(_ config: Config, context: any SinkTaskContext) throws

    /// Partitions came. A sink that keeps its position in its target claims them there (bumping their epoch, which fences any zombie)
    /// and returns where to go on; a partition left out goes on from the group's committed offset.
    /// Use ``SinkResume`` to decide about a stored position. Errors as in `start`.
    func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64]

    /// Writes a batch: one call per batch, records in offset order per partition, all of them live. May be empty, so that time-based work gets its turn.
    ///
    /// A `.retriable` error: the same batch is offered again with back-off, until it passes. `.fenced`: the task ends quietly. Any other: FAILED.
    /// Bad records are reported through ``SinkTaskContext/reporter`` (dead letters are durable when that returns) and left out of the target;
    /// without a reporter throw the error. Everything that is written together with its position must be committed, or surely not, when this returns.
    func put(_ batch: RecordBatch) throws

    /// Which offsets may be committed to the group: given are the ends of what was `put`. Leave out what is not safe yet.
    /// The metadata marks an offset as informative (see ``SinkResume/groupMetadata``) when the target keeps the true one.
    func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset]

    /// Partitions go. `lost`: they are another task's already, write nothing.
    func close(_ partitions: [TopicPartition], lost: Bool)

    /// Ends, after `close` of everything; also after a failed start. Must not throw.
    func stop()
}

extension SinkTask {
    public func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] { [:] }
    public func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] { offsets }
    public func close(_ partitions: [TopicPartition], lost: Bool) {}
}

/// A sink task that may write values as the plain JSON that they are, without looking at them.
package protocol PlainJSONSink: SinkTask {
    /// Whether values that came as plain JSON are to be left as bytes (``RecordBatch/Entry/isPlainJSON``). Asked once, after `start`.
    var takesPlainJSON: Bool { get }
}

/// A partition that came, with what the log knows of it.
public struct AssignedPartition: Sendable, Hashable {
    public let topicPartition: TopicPartition
    public let topicID: TopicID
    public let bounds: PartitionBounds
    /// What the group has committed, `nil` when nothing.
    public let committed: CommittedOffset?
    /// Where to start when nobody has a position (`consumer.override.auto.offset.reset`).
    public let resetPolicy: ConsumerOptions.ResetPolicy
    public init(
        topicPartition: TopicPartition, topicID: TopicID, bounds: PartitionBounds, committed: CommittedOffset?,
        resetPolicy: ConsumerOptions.ResetPolicy = .earliest
    ) {
        self.topicPartition = topicPartition
        self.topicID = topicID
        self.bounds = bounds
        self.committed = committed
        self.resetPolicy = resetPolicy
    }
}

public protocol SinkTaskContext: TaskContext {
    /// Where bad records go; `nil` when neither a dead letter topic nor tolerance nor error logging is configured, so that throwing is all there is.
    var reporter: (any ErrantRecordReporter)? { get }
    /// Goes back (or on) to an offset before the next batch.
    func seek(_ partition: TopicPartition, to offset: Int64)
    func pause(_ partitions: [TopicPartition])
    func resume(_ partitions: [TopicPartition])
    /// Appends records of the sink's own (its target's answers) to a topic, which is made when there is none; durable when the call returns.
    /// At least once: after a crash or a failure the same may be emitted again. More than a transaction of the log holds goes in several, in order.
    /// - Throws: ``ConnectError``: `.retriable` when it may work later (some of it may be there already), `.fatal` when it never will: `record.too_large`
    ///   names a record that fits into no transaction, and nothing was written.
    func emit(_ records: RecordSet, to topic: Name) throws
    /// What this worker's sources capture (``CapturedTables/since(_:)``); `nil` when nothing has changed. Cheap: may be asked for every batch.
    func captured(since generation: UInt64) -> (tables: [CapturedTable], generation: UInt64)?
    /// Has `preCommit` called soon instead of at the next interval.
    func requestCommit()
    /// The next `put` (of a retry, or empty) comes after so long at most.
    func setTimeout(milliseconds: Int)
}

extension SinkTaskContext {
    public func captured(since generation: UInt64) -> (tables: [CapturedTable], generation: UInt64)? { nil }
}

/// Takes records that the target will never accept (KIP-610, and exactly once: design D7).
public protocol ErrantRecordReporter: AnyObject {
    /// Hands over bad entries of the current batch with why each is bad.
    ///
    /// When it returns, each is durably dead-lettered (or logged and counted, as configured), at most once however often the batch is replayed: leave
    /// these records out and go on. With `errors.tolerance=none` it throws, after the first was written to a configured dead letter topic: roll back and let the error pass.
    func report(_ failures: [(entry: RecordBatch.Entry, error: ConnectError)]) throws
}
