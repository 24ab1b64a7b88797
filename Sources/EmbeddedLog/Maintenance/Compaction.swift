internal import ConnectRuntime

/// One pass over a compacted partition: of each key only the last record stays, and of tombstones only the young ones.
///
/// First the keys of what was appended since the last pass are noted (bounded: a pass may end before the end), then the partition is
/// written again from its start, a megabyte a step. Offsets never change; neighbouring batches that became small are joined, and the
/// joined one covers all their offsets, so that readers still see every offset accounted for. Lives on the writer's thread.
final class Compaction {
    private let partition: PartitionLog
    private let options: EmbeddedLogOptions
    private var latest: [KeyHash: Int64] = [:]
    private var phase = Phase.reading(from: -1)

    enum Phase {
        case reading(from: Int64)
        /// Everything before `until` has its latest offset in the map, or was compacted before.
        case writing(from: Int64, until: Int64)
    }

    /// Two independent hashes of a key; 128 bits do not collide by chance.
    private struct KeyHash: Hashable {
        var one: Int
        var other: Int
        init(_ key: ByteSlice) {
            var first = Hasher(), second = Hasher()
            second.combine(0x5EED)
            key.withUnsafeBytes {
                first.combine(bytes: $0)
                second.combine(bytes: $0)
            }
            one = first.finalize()
            other = second.finalize()
        }
    }

    init(_ partition: PartitionLog, _ options: EmbeddedLogOptions) {
        self.partition = partition
        self.options = options
    }

    /// As soon as half of what is there is new.
    static func isWorthwhile(_ partition: PartitionLog) -> Bool {
        let row = partition.row
        return row.end > row.compactedTo && (row.byteCount - row.compactedBytes) * 2 >= row.byteCount
    }

    /// Does one step. - Returns: what comes then, to be given to ``advance(to:)`` once the step is durable: a step that was rolled back is
    /// done again, for a tombstone must not go before what it deletes. `nil`: the pass is over.
    func step(in transaction: WriterTransaction) throws -> Phase? {
        if partition.isDeleted { return nil }
        let row = transaction.row(partition)
        switch phase {
        case .reading(let from):
            let next = try note(from: max(from, row.compactedTo, row.start), row, transaction)
            return next < row.end && latest.count < Compaction.keysAtOnce ? .reading(from: next) : .writing(from: row.start, until: next)
        case .writing(let from, let until):
            let next = try rewrite(from: max(from, row.start), until: until, row, transaction)
            return next < until ? .writing(from: next, until: until) : nil
        }
    }

    /// - Returns: whether there is more to do.
    func advance(to next: Phase?) -> Bool {
        if let next { phase = next }
        return next != nil
    }

    private func note(from offset: Int64, _ row: PartitionRow, _ transaction: WriterTransaction) throws -> Int64 {
        if offset >= row.end { return row.end }
        let batches = try BatchReading.read(transaction.storage, partition, from: offset, maximumBytes: options.readByteLimit)
        var next = offset
        for batch in batches {
            let records = try batch.records(of: partition, from: offset).records
            for index in 0..<records.count { if let key = records.key(at: index) { latest[KeyHash(key)] = records.items[index].offset } }
            next = batch.lastOffset + 1
        }
        return next
    }

    private func rewrite(from offset: Int64, until: Int64, _ before: PartitionRow, _ transaction: WriterTransaction) throws -> Int64 {
        guard offset < until else { return until }
        var row = before
        let batches = try BatchReading.read(transaction.storage, partition, from: offset, maximumBytes: options.readByteLimit)
        var next = offset
        let horizon = options.clock.wallMilliseconds() &- options.tombstoneRetentionMilliseconds
        var run = Run()
        for batch in batches where batch.baseOffset < until {
            let all = try batch.records(of: partition, from: batch.baseOffset)
            if !run.takes(batch, epoch: all.leaderEpoch) {
                try write(run, &row, transaction)
                run = Run()
            }
            run.add(batch, all) { index in isKept(all.records, index, batch, horizon) }
            next = batch.lastOffset + 1
        }
        try write(run, &row, transaction)
        if next >= until {
            row.compactedTo = until
            row.compactedBytes = row.byteCount
        }
        if row != before { transaction.setRow(row, of: partition) }
        return next
    }

    private func isKept(_ records: RecordSet, _ index: Int, _ batch: StoredBatch, _ horizon: Int64) -> Bool {
        guard let key = records.key(at: index) else { return true }
        if let last = latest[KeyHash(key)], last > records.items[index].offset { return false }
        return records.value(at: index) != nil || batch.appendTime >= horizon
    }

    /// Neighbouring batches that become one.
    private struct Run {
        var batches: [StoredBatch] = []
        var epoch: Int32 = -1
        var kept = RecordSet()
        var dropped = 0

        func takes(_ batch: StoredBatch, epoch: Int32) -> Bool {
            guard let first = batches.first else { return true }
            return epoch == self.epoch && kept.byteCount < Compaction.smallBatch && batch.lastOffset - first.baseOffset < Int64(Int32.max)
        }

        mutating func add(_ batch: StoredBatch, _ records: ConsumedRecords, _ isKept: (Int) -> Bool) {
            batches.append(batch)
            epoch = records.leaderEpoch
            for index in 0..<records.records.count {
                if isKept(index) { kept.append(index, of: records.records) } else { dropped += 1 }
            }
        }
    }

    private func write(_ run: Run, _ row: inout PartitionRow, _ transaction: WriterTransaction) throws {
        guard let first = run.batches.first, let last = run.batches.last, run.dropped > 0 || run.batches.count > 1 else { return }
        let bytes = BatchEncoder.encode(run.kept, covering: first.baseOffset...last.lastOffset, leaderEpoch: run.epoch)
        for batch in run.batches {
            try transaction.removeBatch(of: partition, baseOffset: batch.baseOffset)
            row.byteCount -= Int64(batch.bytes.count)
        }
        let joined = StoredBatch(
            baseOffset: first.baseOffset, lastOffset: last.lastOffset, appendTime: last.appendTime, bytes: bytes, isFromMemory: false)
        try transaction.insert(joined, into: partition)
        row.byteCount += Int64(bytes.count)
    }

    /// Keys one pass holds in memory (about 10 MiB); more wait for the next pass.
    private static let keysAtOnce = 200_000
    /// Below this a batch is joined with the next.
    private static let smallBatch = 256 << 10
}
