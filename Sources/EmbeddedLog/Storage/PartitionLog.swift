internal import ConnectRuntime
internal import Synchronization

/// What everybody may know of a partition: committed bounds, epochs and the newest batches. Changed only once a commit is durable.
final class PartitionLog: Sendable {
    let topicPartition: TopicPartition
    let topicID: TopicID
    let serial: Int64
    let configuration: TopicConfiguration

    struct View {
        var row: PartitionRow
        /// First offsets of leader epochs, ascending.
        var epochs: [PartitionBounds.EpochStart] = []
        /// The newest batches, joined up to the end of the partition.
        var tail: [StoredBatch] = []
        var isDeleted = false

        /// Drops batches from memory that end before an offset.
        mutating func forget(before offset: Int64) {
            guard let first = tail.first, first.lastOffset < offset else { return }
            tail.removeFirst(tail.firstIndex { $0.lastOffset >= offset } ?? tail.count)
        }
    }
    private let view: Mutex<View>

    init(_ topicPartition: TopicPartition, topicID: TopicID, serial: Int64, configuration: TopicConfiguration, row: PartitionRow, epochs: [PartitionBounds.EpochStart]) {
        self.topicPartition = topicPartition
        self.topicID = topicID
        self.serial = serial
        self.configuration = configuration
        view = Mutex(View(row: row, epochs: epochs))
    }

    var row: PartitionRow { view.withLock { $0.row } }
    var isDeleted: Bool { view.withLock { $0.isDeleted } }
    var end: Int64 { view.withLock { $0.row.end } }
    var lastEpoch: Int32? { view.withLock { $0.epochs.last?.epoch } }

    var bounds: PartitionBounds {
        view.withLock { PartitionBounds(start: $0.row.start, end: $0.row.end, epochs: $0.epochs, byteCount: $0.row.byteCount) }
    }

    func update(_ change: (inout View) -> Void) { view.withLock { change(&$0) } }

    func epoch(at offset: Int64) -> Int32? { view.withLock { $0.epochs.last { $0.firstOffset <= offset }?.epoch } }

    /// Batches from memory that hold `offset` and what follows, at most so many bytes (one at least); `nil` when they are not there.
    func tail(from offset: Int64, maximumBytes: Int) -> [StoredBatch]? {
        view.withLock { view in
            guard let first = view.tail.first, offset >= first.baseOffset, offset < view.row.end else { return nil }
            var low = 0, high = view.tail.count
            while low < high {
                let middle = (low + high) / 2
                if view.tail[middle].lastOffset < offset { low = middle + 1 } else { high = middle }
            }
            var found: [StoredBatch] = [], bytes = 0
            for batch in view.tail[low...] {
                if !found.isEmpty, bytes + batch.bytes.count > maximumBytes { break }
                found.append(batch)
                bytes += batch.bytes.count
            }
            return found
        }
    }

    func damaged(at offset: Int64, _ what: String) -> LogError {
        LogError(
            .damaged, "topic \(topicPartition.topic) partition \(topicPartition.partition) is damaged at offset \(offset): \(what)",
            suggestion: "restore the data folder from a copy; records before this offset can still be read")
    }
}

/// A topic with its partitions.
final class TopicLogEntry: Sendable {
    let row: TopicRow
    let partitions: [PartitionLog]
    var description: TopicDescription { row.description }

    init(_ row: TopicRow, partitions: [PartitionLog]) {
        self.row = row
        self.partitions = partitions
    }
}
