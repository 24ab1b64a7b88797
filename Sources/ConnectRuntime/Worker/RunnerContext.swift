/// What a task may ask of its runner. Made for one run of the task, on its thread.
class RunnerContext: TaskContext {
    let connector: Name
    let task: Int
    let epoch: Int64
    let clusterID: String
    let clock: any WorkerClock
    let logger: Logger
    let metrics: TaskMetrics
    let wakeUp: WakeUp
    let captured: CapturedTables
    private let monitor: TaskMonitor

    init(_ handle: TaskHandle, epoch: Int64, parts: WorkerParts, logger: Logger) {
        connector = handle.specification.connector
        task = handle.specification.task
        self.epoch = epoch
        clusterID = parts.log.clusterID
        clock = parts.clock
        self.logger = logger
        metrics = handle.metrics
        wakeUp = handle.mailbox.wakeUp
        captured = parts.captured
        monitor = handle.monitor
    }

    func note(_ text: String?) { monitor.setNote(text) }
}

final class SourceRunnerContext: RunnerContext, SourceTaskContext {
    private let store: any OffsetStore
    let boundaries: TransactionBoundaries?
    /// Where records of a topic may go behind the transforms; set by the runner.
    var routes: (Name) -> Set<Name> = { [$0] }

    init(_ handle: TaskHandle, epoch: Int64, boundaries: TransactionBoundaries?, parts: WorkerParts, logger: Logger) {
        store = parts.log.offsets
        self.boundaries = boundaries
        super.init(handle, epoch: epoch, parts: parts, logger: logger)
    }

    func offset(_ partition: SourcePartition) throws -> SourceOffset? {
        try store.offset(connector: connector, partition: partition)
    }

    var transactions: (any TransactionContext)? { boundaries }

    func captures(_ tables: [CapturedTable]) {
        captured.set(tables.flatMap { table in routes(table.topic).sorted().map { table.of(connector, to: $0) } }, connector: connector, task: task, epoch: epoch)
    }
}

/// Where the connector said that transactions end, for the batch of the current poll.
final class TransactionBoundaries: TransactionContext {
    enum End { case commit, abort }
    private(set) var afterBatch: End?
    private(set) var afterEntry: [Int: End] = [:]

    func commitAfterBatch() { afterBatch = .commit }
    func abortAfterBatch() { afterBatch = .abort }
    func commit(afterEntry index: Int) { afterEntry[index] = .commit }
    func abort(afterEntry index: Int) { afterEntry[index] = .abort }

    func forget() {
        afterBatch = nil
        afterEntry.removeAll()
    }
}
