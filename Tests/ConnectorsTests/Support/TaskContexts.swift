import ConnectRuntime
import ConnectTesting
import Synchronization

/// Collects what a task logs.
final class LogLines: LogHandler {
    private let lines = Mutex<[String]>([])
    func isEnabled(_ level: Logger.Level, label: String) -> Bool { true }
    func write(_ entry: LogEntry) { lines.withLock { $0.append("\(entry.level): \(entry.message)") } }
    var all: [String] { lines.withLock { $0 } }
}

/// The machine's clock, which a test may put forward.
final class ForwardedClock: WorkerClock {
    private let system = SystemClock()
    private let forward = Mutex<UInt64>(0)
    func putForward(seconds: UInt64) { forward.withLock { $0 += seconds * 1_000_000_000 } }
    func monotonicNanoseconds() -> UInt64 { system.monotonicNanoseconds() + forward.withLock { $0 } }
    func wallMilliseconds() -> Int64 { system.wallMilliseconds() }
    func sleep(milliseconds: Int, wake: WakeUp) -> Bool { system.sleep(milliseconds: milliseconds, wake: wake) }
}

/// What a runner gives a task, with offsets kept in memory.
class TestTaskContext: TaskContext {
    let connector: Name
    let task = 0
    var epoch: Int64 = 1
    let clock: any WorkerClock
    let log = LogLines()
    var logger: Logger { Logger(label: "test", handler: log) }
    let metrics = TaskMetrics()
    let wakeUp = WakeUp()
    var notes: [String?] = []
    var clusterID: String { "test-log" }
    init(_ connector: Name = "test", clock: any WorkerClock = SystemClock()) {
        self.connector = connector
        self.clock = clock
    }
    func note(_ text: String?) { notes.append(text) }
}

final class TestSourceContext: TestTaskContext, SourceTaskContext {
    var offsets: [SourcePartition: SourceOffset] = [:]
    func offset(_ partition: SourcePartition) throws -> SourceOffset? { offsets[partition] }
    var transactions: (any TransactionContext)? { nil }
    var captured: [CapturedTable] = []
    func captures(_ tables: [CapturedTable]) { captured = tables }

    /// Takes over the offsets of a batch, as the log does in the batch's own transaction.
    func store(_ batch: RecordBatch) {
        for entry in batch.entries {
            if case .source(let origin) = entry.origin, let offset = origin.offset { offsets[origin.partition] = offset }
        }
    }
}

final class TestSinkContext: TestTaskContext, SinkTaskContext {
    var reporter: (any ErrantRecordReporter)?
    let captured = CapturedTables()
    func captured(since generation: UInt64) -> (tables: [CapturedTable], generation: UInt64)? { captured.since(generation) }
    func seek(_ partition: TopicPartition, to offset: Int64) {}
    func pause(_ partitions: [TopicPartition]) {}
    func resume(_ partitions: [TopicPartition]) {}
    func emit(_ records: RecordSet, to topic: Name) throws {}
    func requestCommit() {}
    func setTimeout(milliseconds: Int) {}
}

/// Keeps dead letters, each once.
final class TestReporter: ErrantRecordReporter {
    private(set) var letters: [(partition: TopicPartition, offset: Int64, error: ConnectError)] = []
    var tolerates = true
    func report(_ failures: [(entry: RecordBatch.Entry, error: ConnectError)]) throws {
        for failure in failures {
            guard case .log(let origin) = failure.entry.origin else { continue }
            if !tolerates { throw failure.error }
            if letters.contains(where: { $0.partition == origin.topicPartition && $0.offset == origin.offset }) { continue }
            letters.append((origin.topicPartition, origin.offset, failure.error))
        }
    }
}
