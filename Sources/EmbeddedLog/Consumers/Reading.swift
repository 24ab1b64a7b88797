internal import ConnectRuntime

extension EmbeddedLog {
    /// Batches from the one that holds `offset` on, at least one, about a read's worth of bytes.
    /// - Throws: `.offsetOutOfRange`, or `.damaged` when what must be there is not.
    func batches(of partition: PartitionLog, from offset: Int64) throws(LogError) -> [StoredBatch] {
        let bounds = partition.row
        guard offset >= bounds.start, offset <= bounds.end else {
            throw LogError(
                .offsetOutOfRange, "\(partition.topicPartition) holds offsets \(bounds.start) to \(bounds.end); \(offset) is outside",
                suggestion: offset < bounds.start ? "retention has deleted what was asked for" : nil)
        }
        if offset == bounds.end { return [] }
        let limit = options.readByteLimit
        if let tail = partition.tail(from: offset, maximumBytes: limit) { return tail }
        return try read { storage in try BatchReading.read(storage, partition, from: offset, maximumBytes: limit) }
    }
}

/// Reads batches from the file and sees to it that they join up: that none is missing is known, not assumed (D3).
enum BatchReading {
    static func read(_ storage: Storage, _ partition: PartitionLog, from offset: Int64, maximumBytes: Int) throws -> [StoredBatch] {
        // As of now, on the writer's thread: nothing is being committed meanwhile.
        let bounds = partition.bounds
        if partition.isDeleted { throw LogError(.unknownTopic, "the topic \(partition.topicPartition.topic) was deleted") }
        if offset < bounds.start {
            throw LogError(.offsetOutOfRange, "\(partition.topicPartition) starts at offset \(bounds.start); \(offset) was deleted by retention")
        }
        guard let first = try storage.baseOffset(serial: partition.serial, atOrBefore: offset), first >= 0 else {
            throw partition.damaged(at: offset, "the batch that holds it is missing")
        }
        var found: [StoredBatch] = [], bytes = 0, expected = first
        try storage.scanBatches(of: partition, from: first) { batch in
            guard batch.baseOffset == expected else { throw partition.damaged(at: expected, "the batch that holds it is missing") }
            if found.isEmpty, offset > batch.lastOffset { throw partition.damaged(at: offset, "the batch that holds it is missing") }
            guard batch.lastOffset < bounds.end else { throw partition.damaged(at: batch.baseOffset, "the batch there reaches beyond the end of the partition") }
            try check(batch, partition)
            expected = batch.lastOffset + 1
            found.append(batch)
            bytes += batch.bytes.count
            return bytes < maximumBytes
        }
        if bytes < maximumBytes, expected != bounds.end { throw partition.damaged(at: expected, "the partition ends there, but should at \(bounds.end)") }
        return found
    }

    /// The batch's own leader epoch is not in its checksum's range; the partition's epochs say what it must be.
    private static func check(_ batch: StoredBatch, _ partition: PartitionLog) throws {
        let header: BatchHeader
        do { header = try batch.bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(BatchError) in try BatchHeader(UnsafeRawBufferPointer(buffer)) } } catch {
            throw partition.damaged(at: batch.baseOffset, "\(error)")
        }
        guard header.leaderEpoch == partition.epoch(at: batch.baseOffset) else {
            throw partition.damaged(at: batch.baseOffset, "the batch's leader epoch is not the partition's there")
        }
    }
}
