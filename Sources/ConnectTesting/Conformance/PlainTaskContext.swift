internal import ConnectRuntime
internal import Synchronization

/// A task's context outside a worker: for suites that drive a task by hand.
final class PlainTaskContext: SourceTaskContext, SinkTaskContext, ErrantRecordReporter {
    let connector: Name = "conformance"
    let task = 0
    let epoch: Int64
    let clusterID = "conformance"
    let clock: any WorkerClock = SystemClock()
    let logger = Logger.silent
    let metrics = TaskMetrics()
    let wakeUp: WakeUp
    let transactions: (any TransactionContext)? = nil
    var stored: [SourcePartition: SourceOffset]
    private(set) var reported: [(entry: RecordBatch.Entry, error: ConnectError)] = []
    var reporter: (any ErrantRecordReporter)? { self }

    init(epoch: Int64 = 1, wakeUp: WakeUp = WakeUp(), stored: [SourcePartition: SourceOffset] = [:]) {
        self.epoch = epoch
        self.wakeUp = wakeUp
        self.stored = stored
    }

    func note(_ text: String?) {}
    func offset(_ partition: SourcePartition) throws -> SourceOffset? { stored[partition] }
    func seek(_ partition: TopicPartition, to offset: Int64) {}
    func pause(_ partitions: [TopicPartition]) {}
    func resume(_ partitions: [TopicPartition]) {}
    func requestCommit() {}
    func setTimeout(milliseconds: Int) {}
    func emit(_ records: RecordSet, to topic: Name) throws {}
    func report(_ failures: [(entry: RecordBatch.Entry, error: ConnectError)]) throws { reported += failures }
}

/// A connector's context outside a worker.
final class PlainConnectorContext: ConnectorContext {
    let connector: Name = "conformance"
    let logger = Logger.silent
    let wakeUp = WakeUp()
    let offsets: (any SourceOffsetReader)? = NoOffsets()
    private let errors = Mutex<[ConnectError]>([])
    func requestTaskReconfiguration() {}
    func raise(_ error: ConnectError) { errors.withLock { $0.append(error) } }

    private final class NoOffsets: SourceOffsetReader {
        func offset(_ partition: SourcePartition) throws -> SourceOffset? { nil }
    }
}
