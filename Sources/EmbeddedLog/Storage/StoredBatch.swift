internal import ConnectRuntime

/// A record batch with what its row says of it. Immutable.
final class StoredBatch: Sendable {
    let baseOffset: Int64
    let lastOffset: Int64
    /// Milliseconds since 1970 on the clock of the log.
    let appendTime: Int64
    let bytes: [UInt8]
    /// Whether it never was on disk since it was encoded, so that its checksum needs no second look.
    let isFromMemory: Bool

    init(baseOffset: Int64, lastOffset: Int64, appendTime: Int64, bytes: [UInt8], isFromMemory: Bool) {
        self.baseOffset = baseOffset
        self.lastOffset = lastOffset
        self.appendTime = appendTime
        self.bytes = bytes
        self.isFromMemory = isFromMemory
    }

    /// Covers the row's own columns and, through it, the two fields of the batch that its own checksum leaves out.
    static func checksum(serial: Int64, baseOffset: Int64, lastOffset: Int64, appendTime: Int64, header: UnsafeRawBufferPointer) -> Int64 {
        var checksum = CRC32C()
        checksum.update(bigEndian: serial)
        checksum.update(bigEndian: baseOffset)
        checksum.update(bigEndian: lastOffset)
        checksum.update(bigEndian: appendTime)
        checksum.update(UnsafeRawBufferPointer(rebasing: header[..<min(header.count, BatchHeader.byteCount)]))
        return Int64(checksum.value)
    }

    /// The records from `offset` on. - Throws: `.damaged` naming the place.
    func records(of partition: PartitionLog, from offset: Int64) throws(LogError) -> ConsumedRecords {
        let header: BatchHeader
        var records: RecordSet
        do {
            (header, records) = try BatchDecoder.decode(bytes, verifyingChecksum: !isFromMemory)
        } catch {
            throw partition.damaged(at: baseOffset, error.message)
        }
        guard header.baseOffset == baseOffset, header.lastOffset == lastOffset else {
            throw partition.damaged(at: baseOffset, "the batch there says it holds offsets \(header.baseOffset) to \(header.lastOffset)")
        }
        if offset > baseOffset { records.removeRecords(before: offset) }
        return ConsumedRecords(
            topicPartition: partition.topicPartition, topicID: partition.topicID, leaderEpoch: header.leaderEpoch, records: records,
            nextOffset: lastOffset + 1)
    }
}
