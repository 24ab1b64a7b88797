internal import ConnectRuntime

/// What is stored of a partition beside its batches, by serial number: a reader that finds less than this says so.
struct PartitionRow: Equatable {
    var start: Int64 = 0
    var end: Int64 = 0
    var byteCount: Int64 = 0
    /// Append time of the newest batch; later ones never get an earlier one.
    var lastAppend: Int64 = 0
    /// Up to here a compacted partition was compacted, and how many bytes it had then.
    var compactedTo: Int64 = 0
    var compactedBytes: Int64 = 0

    static func key(_ serial: Int64) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 8)
        buffer.append(bigEndian: serial)
        return buffer.take()
    }

    var value: [UInt8] {
        var buffer = ByteBuffer(capacity: 48)
        buffer.append(bigEndian: start)
        buffer.append(bigEndian: end)
        buffer.append(bigEndian: byteCount)
        buffer.append(bigEndian: lastAppend)
        buffer.append(bigEndian: compactedTo)
        buffer.append(bigEndian: compactedBytes)
        return buffer.take()
    }

    init() {}

    init?(value: [UInt8]) {
        var reader = RowReader(value)
        guard let start: Int64 = reader.integer(), let end: Int64 = reader.integer(), let byteCount: Int64 = reader.integer(),
            let lastAppend: Int64 = reader.integer(), let compactedTo: Int64 = reader.integer(), let compactedBytes: Int64 = reader.integer(), reader.isAtEnd, start >= 0, end >= start
        else { return nil }
        self.start = start
        self.end = end
        self.byteCount = byteCount
        self.lastAppend = lastAppend
        self.compactedTo = compactedTo
        self.compactedBytes = compactedBytes
    }

    /// Key of the row that says where a leader epoch starts in a partition.
    static func epochKey(_ serial: Int64, _ epoch: Int32) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 12)
        buffer.append(bigEndian: serial)
        buffer.append(bigEndian: epoch)
        return buffer.take()
    }
}
