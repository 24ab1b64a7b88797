internal import Synchronization

/// Keeps the batches in memory within a bound, the oldest of all partitions go first.
final class TailBudget: Sendable {
    private struct Held {
        var batches: [(partition: PartitionLog, lastOffset: Int64, bytes: Int)] = []
        var head = 0
        var bytes = 0
    }
    private let limit: Int
    private let held = Mutex(Held())

    init(limit: Int) { self.limit = limit }

    func add(_ batches: [StoredBatch], of partition: PartitionLog) {
        let limit = limit
        let forgotten = held.withLock { held -> [Int64: (partition: PartitionLog, offset: Int64)] in
            for batch in batches {
                held.batches.append((partition, batch.lastOffset, batch.bytes.count))
                held.bytes += batch.bytes.count
            }
            var last: [Int64: (partition: PartitionLog, offset: Int64)] = [:]
            if held.bytes <= limit { return last }
            // An eighth at a time: what moves up in memory then costs each batch little, however many there are.
            // The newest stays whatever its size: who waits for it must not have to go to the disk.
            while held.bytes > limit - limit / 8, held.head < held.batches.count - 1 {
                let oldest = held.batches[held.head]
                held.head += 1
                held.bytes -= oldest.bytes
                last[oldest.partition.serial] = (oldest.partition, oldest.lastOffset)
            }
            if held.head * 2 > held.batches.count {
                held.batches.removeFirst(held.head)
                held.head = 0
            }
            return last
        }
        for (partition, offset) in forgotten.values { partition.update { $0.forget(before: offset + 1) } }
    }
}
