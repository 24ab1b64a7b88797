import Synchronization

/// Counters of one task: atomics that its thread adds to and anybody reads.
public final class TaskMetrics: Sendable {
    /// Records polled from the source or consumed from topics.
    public let recordsIn = Counter()
    /// Records made durable in the log or put into the target.
    public let recordsOut = Counter()
    public let recordsFiltered = Counter()
    public let recordsFailed = Counter()
    public let recordsSkipped = Counter()
    public let deadLetters = Counter()
    public let retries = Counter()
    public let batches = Counter()
    private let storage = Mutex<[Name: Int64]>([:])
    public init() {}

    /// What the task measures of its own: numbers that go up and down, by its connector's names for them.
    public var gauges: [Name: Int64] { storage.withLock { $0 } }
    /// - Parameter value: `nil` when there is nothing to measure (any more).
    public func setGauge(_ name: Name, _ value: Int64?) { storage.withLock { $0[name] = value } }
}

/// A number that only grows.
public final class Counter: Sendable {
    private let storage = Atomic<Int64>(0)
    public init() {}
    public func add(_ amount: Int = 1) { storage.wrappingAdd(Int64(amount), ordering: .relaxed) }
    public var value: Int64 { storage.load(ordering: .relaxed) }
}
