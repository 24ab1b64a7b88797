internal import ConnectRuntime
internal import SQLite

/// An open database transaction with what it will change in memory once it is durable. Lives on the writer's thread.
final class WriterTransaction {
    let storage: Storage
    let log: LogState
    let clock: any WorkerClock
    var state: StateRow
    /// The epoch of this opening: stored with its first append.
    private let leaderEpoch: Int32
    /// Statements that changed something so far.
    private(set) var changeCount = 0
    private var partitions: [Int64: Staged] = [:]
    private var onCommit: [() -> Void] = []

    private struct Staged {
        var partition: PartitionLog
        var row: PartitionRow
        var newEpoch: PartitionBounds.EpochStart?
        var batches: [StoredBatch] = []
    }

    init(storage: Storage, log: LogState, clock: any WorkerClock, state: StateRow, leaderEpoch: Int32) {
        self.storage = storage
        self.log = log
        self.clock = clock
        self.state = state
        self.leaderEpoch = leaderEpoch
    }

    /// Runs on the writer's thread after COMMIT, before anybody is told.
    func afterCommit(_ body: @escaping () -> Void) { onCommit.append(body) }

    func put(_ kind: Entry.Kind, _ key: [UInt8], _ value: [UInt8]) throws {
        changeCount += 1
        try storage.put(kind, key, value)
    }

    func remove(_ kind: Entry.Kind, _ key: [UInt8]) throws {
        changeCount += 1
        try storage.remove(kind, key)
    }

    /// The row of a partition as this transaction leaves it so far.
    func row(_ partition: PartitionLog) -> PartitionRow { partitions[partition.serial]?.row ?? partition.row }

    /// Appends an encoded batch. - Returns: the offset of its first record.
    func append(_ bytes: inout [UInt8], recordCount: Int, to partition: PartitionLog) throws -> Int64 {
        changeCount += 1
        var staged = partitions[partition.serial] ?? Staged(partition: partition, row: partition.row)
        let base = staged.row.end
        // Append time never runs backwards, whatever the machine's clock does.
        let appendTime = max(clock.wallMilliseconds(), staged.row.lastAppend)
        if staged.newEpoch == nil, partition.lastEpoch != leaderEpoch {
            staged.newEpoch = PartitionBounds.EpochStart(epoch: leaderEpoch, firstOffset: base)
            try storage.put(.epochStart, PartitionRow.epochKey(partition.serial, leaderEpoch), offsetValue(base))
            state.leaderEpoch = leaderEpoch
        }
        BatchHeader.place(&bytes, baseOffset: base, leaderEpoch: leaderEpoch)
        let last = base + Int64(recordCount) - 1
        let batch = StoredBatch(baseOffset: base, lastOffset: last, appendTime: appendTime, bytes: bytes, isFromMemory: true)
        try storage.insert(batch, serial: partition.serial)
        staged.batches.append(batch)
        staged.row.end = last + 1
        staged.row.byteCount += Int64(bytes.count)
        staged.row.lastAppend = appendTime
        partitions[partition.serial] = staged
        return base
    }

    func insert(_ batch: StoredBatch, into partition: PartitionLog) throws {
        changeCount += 1
        try storage.insert(batch, serial: partition.serial)
    }

    func removeBatch(of partition: PartitionLog, baseOffset: Int64) throws {
        changeCount += 1
        try storage.removeBatch(serial: partition.serial, baseOffset: baseOffset)
    }

    /// - Returns: whether there was anything to remove.
    func removeGarbage(firstSerial: Int64, count: Int64, limit: Int) throws -> Bool {
        changeCount += 1
        return try storage.removeGarbage(firstSerial: firstSerial, count: count, limit: limit)
    }

    /// Sets a partition's row, for retention and compaction.
    func setRow(_ row: PartitionRow, of partition: PartitionLog) {
        changeCount += 1
        var staged = partitions[partition.serial] ?? Staged(partition: partition, row: partition.row)
        staged.row = row
        partitions[partition.serial] = staged
    }

    /// The last statements before COMMIT: partition rows and the commit counter.
    func seal() throws {
        for staged in partitions.values { try storage.put(.partition, PartitionRow.key(staged.partition.serial), staged.row.value) }
        state.commits += 1
        try storage.put(.state, StateRow.key, state.value)
    }

    func runAfterCommit() { for body in onCommit { body() } }

    /// After COMMIT: makes it all visible. - Returns: partitions with new batches.
    func publish(_ tail: TailBudget) -> [PartitionLog] {
        runAfterCommit()
        var appended: [PartitionLog] = []
        for staged in partitions.values {
            staged.partition.update { view in
                view.row = staged.row
                if let epoch = staged.newEpoch { view.epochs.append(epoch) }
                if let first = staged.batches.first {
                    if view.tail.last.map({ $0.lastOffset + 1 != first.baseOffset }) ?? false { view.tail = [] }
                    view.tail.append(contentsOf: staged.batches)
                }
                view.forget(before: staged.row.start)
            }
            if !staged.batches.isEmpty {
                appended.append(staged.partition)
                tail.add(staged.batches, of: staged.partition)
            }
        }
        return appended
    }
}

func offsetValue(_ offset: Int64) -> [UInt8] {
    var buffer = ByteBuffer(capacity: 8)
    buffer.append(bigEndian: offset)
    return buffer.take()
}

/// Keeps the batches in memory within a bound, the oldest of all partitions go first. Lives on the writer's thread.
final class TailBudget {
    private let limit: Int
    private var held: [(partition: PartitionLog, lastOffset: Int64, bytes: Int)] = []
    private var head = 0
    private var bytes = 0

    init(limit: Int) { self.limit = limit }

    func add(_ batches: [StoredBatch], of partition: PartitionLog) {
        for batch in batches {
            held.append((partition, batch.lastOffset, batch.bytes.count))
            bytes += batch.bytes.count
        }
        if bytes <= limit { return }
        // An eighth at a time: what moves up in memory then costs each batch little, however many there are.
        var last: [Int64: (partition: PartitionLog, offset: Int64)] = [:]
        // The newest stays whatever its size: who waits for it must not have to go to the disk.
        while bytes > limit - limit / 8, head < held.count - 1 {
            let oldest = held[head]
            head += 1
            bytes -= oldest.bytes
            last[oldest.partition.serial] = (oldest.partition, oldest.lastOffset)
        }
        for (partition, offset) in last.values { partition.update { $0.forget(before: offset + 1) } }
        if head * 2 > held.count {
            held.removeFirst(head)
            head = 0
        }
    }
}
