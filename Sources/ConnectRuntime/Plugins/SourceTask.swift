/// The part of a source connector that reads. Lives on one thread of its own: every call comes from there, one at a time, and may block.
///
/// Life: `start`, then `poll` again and again (and `committed` between), then `stop`. Paused tasks are not polled.
public protocol SourceTask: AnyObject {
    /// Begins. Read the stored offset through the context. A `.retriable` error is tried again with back-off and shown; any other makes the task FAILED.
    func start(_ config: Config, context: any SourceTaskContext) throws

    /// Appends what there is to `batch`, which comes empty with its capacity kept. When there is nothing, waits for it:
    /// at most about a second, and not beyond ``SourceTaskContext/wakeUp``; then returns with the batch empty.
    ///
    /// One poll is one transaction unless `transaction.boundary` says otherwise. Keep a batch to a few megabytes.
    /// A `.retriable` error is tried again with back-off inside the task and shown in its status; any other makes it FAILED.
    /// Records appended before an error are dropped with it: poll again from where the last good poll ended.
    func poll(into batch: inout RecordBatch) throws

    /// What was polled up to here is durable, with its offsets (P2): prune, acknowledge. The offsets are the last of each partition.
    /// An error is logged only.
    func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws

    /// Ends, after the last poll returned; also after a failed start. Must not throw.
    func stop()
}

extension SourceTask {
    public func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws {}
}

/// What tasks of both kinds may ask of their runner.
public protocol TaskContext: AnyObject {
    var connector: Name { get }
    var task: Int { get }
    /// The fencing epoch: higher than that of every earlier run of this task. Write it into whatever must refuse a zombie (P5).
    var epoch: Int64 { get }
    /// The log's stable id: with a topic's id, a partition and an offset it names a record everywhere and for ever (idempotency keys).
    var clusterID: String { get }
    var clock: any WorkerClock { get }
    var logger: Logger { get }
    var metrics: TaskMetrics { get }
    /// Set when the task is wanted: to stop, to pause, to take a new configuration. Whatever waits in the task must return when it is set.
    var wakeUp: WakeUp { get }
    /// Says in the task's status what it is waiting for ("database is locked by another process, 12 s"); `nil` clears it.
    func note(_ text: String?)
}

public protocol SourceTaskContext: TaskContext {
    /// The stored offset of a partition, as of the start of this task.
    func offset(_ partition: SourcePartition) throws -> SourceOffset?
    /// Ends transactions by hand; `nil` unless `transaction.boundary=connector`.
    var transactions: (any TransactionContext)? { get }
    /// Says which tables the task captures, in place of what it said before; topics as they are before transforms. Sinks of the same worker that
    /// would write a table's topic into that very table refuse.
    func captures(_ tables: [CapturedTable])
}

extension SourceTaskContext {
    public func captures(_ tables: [CapturedTable]) {}
}

/// Where transactions end, when the connector decides (KIP-618). Takes effect with the batch of the current poll.
public protocol TransactionContext: AnyObject {
    func commitAfterBatch()
    func abortAfterBatch()
    /// The transaction ends after this entry of the batch.
    func commit(afterEntry index: Int)
    func abort(afterEntry index: Int)
}
