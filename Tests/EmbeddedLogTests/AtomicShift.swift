import Synchronization

final class AtomicShift: Sendable {
    private let stored = Atomic<Int64>(0)
    var value: Int64 { stored.load(ordering: .sequentiallyConsistent) }
    func add(_ more: Int64) { stored.add(more, ordering: .sequentiallyConsistent) }
}
