internal import ConnectRuntime
internal import Synchronization

/// Consumers that wait for records: the writer wakes those that read what it appended.
final class Waiters: Sendable {
    private let waiting = Mutex<[ObjectIdentifier: (signal: ConsumerSignal, serials: Set<Int64>)]>([:])

    func add(_ signal: ConsumerSignal, serials: Set<Int64>) { waiting.withLock { $0[ObjectIdentifier(signal)] = (signal, serials) } }
    func remove(_ signal: ConsumerSignal) { waiting.withLock { $0[ObjectIdentifier(signal)] = nil } }

    func wake(_ partitions: [PartitionLog]) {
        if partitions.isEmpty { return }
        let signals = waiting.withLock { waiting in
            waiting.values.filter { waiter in partitions.contains { waiter.serials.contains($0.serial) } }.map(\.signal)
        }
        for signal in signals { signal.set() }
    }

    func wakeAll() {
        let signals = waiting.withLock { $0.values.map(\.signal) }
        for signal in signals { signal.set() }
    }
}

/// Ends a consumer's wait: something happened. Level-triggered until ``clear()``.
final class ConsumerSignal: Sendable {
    private let isSet = Mutex(false)
    private let condition = ThreadCondition()

    func set() {
        isSet.withLock { $0 = true }
        condition.broadcast()
    }

    func clear() { isSet.withLock { $0 = false } }

    func wait(milliseconds: Int) { _ = condition.wait(milliseconds: milliseconds) { isSet.withLock { $0 ? true : nil } } }
}
