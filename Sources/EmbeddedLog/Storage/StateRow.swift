internal import ConnectRuntime

/// The one row that every commit changes.
struct StateRow: Equatable {
    var logID: [UInt8]
    var commits: Int64 = 0
    /// Of the last opening that appended anything.
    var leaderEpoch: Int32 = 0
    /// Epochs of all producer ids come from this one counter, so that they only ever grow.
    var producerEpoch: Int64 = 0
    var nextSerial: Int64 = 0

    static let key = Array("log".utf8)

    var value: [UInt8] {
        var buffer = ByteBuffer(capacity: 48)
        buffer.append(logID)
        buffer.append(bigEndian: commits)
        buffer.append(bigEndian: leaderEpoch)
        buffer.append(bigEndian: producerEpoch)
        buffer.append(bigEndian: nextSerial)
        return buffer.take()
    }

    init(logID: [UInt8]) { self.logID = logID }

    init?(value: [UInt8]) {
        var reader = RowReader(value)
        guard let logID = reader.bytes(16), let commits: Int64 = reader.integer(), let leaderEpoch: Int32 = reader.integer(),
            let producerEpoch: Int64 = reader.integer(), let nextSerial: Int64 = reader.integer(), reader.isAtEnd
        else { return nil }
        self.logID = logID
        self.commits = commits
        self.leaderEpoch = leaderEpoch
        self.producerEpoch = producerEpoch
        self.nextSerial = nextSerial
    }
}
