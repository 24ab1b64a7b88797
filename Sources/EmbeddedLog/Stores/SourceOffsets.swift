internal import ConnectRuntime

/// Source offsets as rows: the connector's name, then the partition's bytes as they are.
enum SourceOffsets {
    static func prefix(_ connector: Name) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(counted: connector)
        return buffer.take()
    }

    static func store(_ row: SourceOffsetRow, in transaction: WriterTransaction) throws {
        let key = prefix(row.connector) + row.partition.json
        if let offset = row.offset { try transaction.put(.sourceOffset, key, offset.json) } else { try transaction.remove(.sourceOffset, key) }
    }
}

final class EmbeddedOffsetStore: OffsetStore {
    private let engine: EmbeddedLog
    init(_ engine: EmbeddedLog) { self.engine = engine }

    func offset(connector: Name, partition: SourcePartition) throws(LogError) -> SourceOffset? {
        let key = SourceOffsets.prefix(connector) + partition.json
        return try engine.read { storage in try storage.value(.sourceOffset, key).map { SourceOffset(storedJSON: $0) } }
    }

    func offsets(connector: Name) throws(LogError) -> [(partition: SourcePartition, offset: SourceOffset)] {
        let prefix = SourceOffsets.prefix(connector)
        return try engine.read { storage in
            var found: [(partition: SourcePartition, offset: SourceOffset)] = []
            try storage.scan(.sourceOffset, prefix: prefix) { key, value in
                found.append((SourcePartition(storedJSON: Array(key[prefix.count...])), SourceOffset(storedJSON: value)))
            }
            return found
        }
    }

    func alter(connector: Name, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws(LogError) {
        let log = engine.log
        let rows = offsets.map { SourceOffsetRow(connector: connector, partition: $0.partition, offset: $0.offset) }
        try engine.perform { transaction in
            transaction.state.producerEpoch += 1
            try Fencing.raise(Fencing.sourceTasks(of: connector, in: log), to: transaction.state.producerEpoch, in: transaction)
            for row in rows { try SourceOffsets.store(row, in: transaction) }
        }
    }
}
