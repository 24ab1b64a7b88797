internal import ConnectRuntime
internal import SQLite

/// What commits have changed of partitions and nobody sees yet, for the transactions behind them.
struct PartitionChanges {
    private var rows: [Int64: PartitionRow] = [:]
    /// Partitions that have the epoch of this opening.
    private var withEpoch: Set<Int64> = []

    func row(_ serial: Int64) -> PartitionRow? { rows[serial] }
    func hasEpoch(_ serial: Int64) -> Bool { withEpoch.contains(serial) }

    mutating func add(_ later: PartitionChanges) {
        rows.merge(later.rows) { $1 }
        withEpoch.formUnion(later.withEpoch)
    }
    mutating func add(_ serial: Int64, _ row: PartitionRow, hasNewEpoch: Bool) {
        rows[serial] = row
        if hasNewEpoch { withEpoch.insert(serial) }
    }
}

/// An open database transaction with what it will change in memory once it is durable. Lives on the writer's thread until COMMIT.
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
    private let unpublished: PartitionChanges

    private struct Staged {
        var partition: PartitionLog
        var row: PartitionRow
        var newEpoch: PartitionBounds.EpochStart?
        var batches: [StoredBatch] = []
    }

    init(storage: Storage, log: LogState, clock: any WorkerClock, state: StateRow, leaderEpoch: Int32, unpublished: PartitionChanges) {
        self.storage = storage
        self.log = log
        self.clock = clock
        self.state = state
        self.leaderEpoch = leaderEpoch
        self.unpublished = unpublished
    }

    /// Runs on the writer's thread once the commit is durable, before anybody is told.
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
    func row(_ partition: PartitionLog) -> PartitionRow { partitions[partition.serial]?.row ?? unpublished.row(partition.serial) ?? partition.row }

    private func staged(_ partition: PartitionLog) -> Staged { partitions[partition.serial] ?? Staged(partition: partition, row: row(partition)) }

    /// Appends an encoded batch. - Returns: the offset of its first record.
    func append(_ bytes: inout [UInt8], recordCount: Int, to partition: PartitionLog) throws -> Int64 {
        changeCount += 1
        var staged = staged(partition)
        let base = staged.row.end
        // Append time never runs backwards, whatever the machine's clock does.
        let appendTime = max(clock.wallMilliseconds(), staged.row.lastAppend)
        if staged.newEpoch == nil, partition.lastEpoch != leaderEpoch, !unpublished.hasEpoch(partition.serial) {
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
        var staged = staged(partition)
        staged.row = row
        partitions[partition.serial] = staged
    }

    /// The last statements before COMMIT: partition rows and the commit counter.
    func seal() throws {
        for staged in partitions.values { try storage.put(.partition, PartitionRow.key(staged.partition.serial), staged.row.value) }
        state.commits += 1
        try storage.put(.state, StateRow.key, state.value)
    }

    /// Whether more than partitions changes: what others in its place would have to see at once.
    var hasFollowUps: Bool { !onCommit.isEmpty }

    /// What the transaction leaves of partitions, for those behind it.
    var changes: PartitionChanges {
        var changes = PartitionChanges()
        for staged in partitions.values { changes.add(staged.partition.serial, staged.row, hasNewEpoch: staged.newEpoch != nil) }
        return changes
    }

    func runAfterCommit() { for body in onCommit { body() } }

    /// Once it is durable: makes it all visible. - Returns: partitions with new batches.
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
