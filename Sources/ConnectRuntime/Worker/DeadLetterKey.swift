/// The key of the row that says "this record's dead letter is written": connector, topic id, partition, offset, so that rows of
/// one partition lie together in offset order (D7).
package enum DeadLetterKey {
    package static func prefix(connector: Name) -> [UInt8] { Array("dead-letter".utf8) + [0] + Array(connector.text.utf8) + [0] }

    package static func prefix(connector: Name, topicID: TopicID, partition: Int32) -> [UInt8] {
        var key = ByteBuffer(adopting: prefix(connector: connector) + topicID.bytes)
        key.append(bigEndian: partition)
        return key.take()
    }

    package static func key(connector: Name, topicID: TopicID, partition: Int32, offset: Int64) -> [UInt8] {
        var key = ByteBuffer(adopting: prefix(connector: connector, topicID: topicID, partition: partition))
        key.append(bigEndian: offset)
        return key.take()
    }

    /// The offset at the end of a key, `nil` when it is none of ours.
    package static func offset(of key: [UInt8], after prefix: [UInt8]) -> Int64? {
        guard key.count == prefix.count + 8, key.starts(with: prefix) else { return nil }
        return key.suffix(8).reduce(Int64(0)) { ($0 << 8) | Int64($1) }
    }
}
