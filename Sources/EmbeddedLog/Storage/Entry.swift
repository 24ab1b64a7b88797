internal import ConnectRuntime

/// One small row: everything in the log that is not a record batch. Its checksum covers kind, key and value (D3).
struct Entry {
    enum Kind: Int64, CaseIterable {
        /// One row: commit counter, leader epoch, highest producer epoch, next partition number.
        case state = 0
        case topic = 1
        case partition = 2
        case epochStart = 3
        /// Partition numbers of deleted topics whose batches are still being removed.
        case garbage = 4
        case producer = 5
        case sourceOffset = 6
        case groupOffset = 7
        case progress = 8
        case schema = 9
        case connector = 10
        case targetState = 11
        case taskSet = 12
    }

    var kind: Kind
    var key: [UInt8]
    var value: [UInt8]

    static func checksum(_ kind: Kind, _ key: [UInt8], _ value: [UInt8]) -> Int64 {
        var checksum = CRC32C()
        checksum.update(bigEndian: kind.rawValue)
        checksum.update(bigEndian: Int64(key.count))
        checksum.update(key)
        checksum.update(value)
        return Int64(checksum.value)
    }

    func damaged(_ what: String) -> LogError { Entry.damaged(kind, what) }

    static func damaged(_ kind: Kind, _ what: String) -> LogError {
        LogError(.damaged, "the log is damaged: a row of kind \(kind) \(what)", suggestion: "restore the data folder from a copy")
    }
}
