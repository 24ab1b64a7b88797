internal import ConnectRuntime

/// Which batches at a partition's start are older, or more, than its topic wants to keep.
enum Retention {
    /// How many of the leading batches go, a pure decision. Age counts from append time; a batch goes whole.
    /// - Parameter byteCount: of the whole partition.
    static func expired(_ batches: [BatchRow], byteCount: Int64, _ configuration: TopicConfiguration, now: Int64) -> Int {
        var count = 0, left = byteCount
        for batch in batches {
            let isOld = configuration.retentionMilliseconds.map { batch.appendTime < now &- $0 } ?? false
            let isTooMuch = configuration.retentionBytes.map { left - batch.byteCount >= $0 } ?? false
            guard isOld || isTooMuch else { break }
            left -= batch.byteCount
            count += 1
        }
        return count
    }

    /// Removes some of them. - Returns: whether there may be more.
    static func step(_ partition: PartitionLog, in transaction: WriterTransaction, now: Int64) throws -> Bool {
        if partition.isDeleted { return false }
        var row = transaction.row(partition)
        var batches: [BatchRow] = []
        try transaction.storage.scanBatchRows(serial: partition.serial, from: row.start) { batch in
            batches.append(batch)
            return batches.count < Maintenance.batchesAtOnce
        }
        let count = expired(batches, byteCount: row.byteCount, partition.configuration, now: now)
        guard count > 0 else { return false }
        var expected = row.start
        for batch in batches[..<count] {
            // What does not join up is damage, and damage is left for people to see.
            guard batch.baseOffset == expected, batch.lastOffset >= batch.baseOffset, batch.lastOffset < row.end else {
                throw partition.damaged(at: expected, "the batch that holds it is missing")
            }
            expected = batch.lastOffset + 1
        }
        for batch in batches[..<count] {
            try transaction.removeBatch(of: partition, baseOffset: batch.baseOffset)
            row.byteCount -= batch.byteCount
        }
        row.start = expected
        transaction.setRow(row, of: partition)
        return count == batches.count && expected < row.end
    }
}
