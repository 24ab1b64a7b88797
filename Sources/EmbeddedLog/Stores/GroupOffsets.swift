internal import ConnectRuntime

/// Committed offsets of consumer groups as rows, by group and partition serial.
enum GroupOffsets {
    static func key(_ group: Name, _ serial: Int64) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(counted: group)
        buffer.append(bigEndian: serial)
        return buffer.take()
    }

    static func decode(key: [UInt8]) -> (Name, Int64)? {
        var reader = RowReader(key)
        guard let group = reader.name(), let serial: Int64 = reader.integer(), reader.isAtEnd else { return nil }
        return (group, serial)
    }

    static func encode(_ offset: CommittedOffset) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(bigEndian: offset.offset)
        buffer.append(bigEndian: offset.leaderEpoch)
        buffer.append(text: offset.metadata)
        return buffer.take()
    }

    static func decode(value: [UInt8]) -> CommittedOffset? {
        var reader = RowReader(value)
        guard let offset: Int64 = reader.integer(), let epoch: Int32 = reader.integer(), let metadata = String(validating: reader.rest(), as: UTF8.self)
        else { return nil }
        return CommittedOffset(offset: offset, leaderEpoch: epoch, metadata: metadata)
    }

    static func store(_ group: Name, _ offsets: [(PartitionLog, CommittedOffset?)], in transaction: WriterTransaction) throws {
        for (partition, _) in offsets where partition.isDeleted {
            throw LogError(.unknownTopic, "the topic \(partition.topicPartition.topic) was deleted")
        }
        let log = transaction.log
        for (partition, offset) in offsets {
            let key = key(group, partition.serial)
            if let offset { try transaction.put(.groupOffset, key, encode(offset)) } else { try transaction.remove(.groupOffset, key) }
            transaction.afterCommit { log.update { $0.groups[group, default: [:]][partition.serial] = offset } }
        }
    }
}
