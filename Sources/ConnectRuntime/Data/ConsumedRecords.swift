/// Consecutive records of one partition as they came from the log. Immutable; records keep it alive for their raw bytes.
public final class ConsumedRecords: Sendable {
    public let topicPartition: TopicPartition
    public let topicID: TopicID
    public let leaderEpoch: Int32
    public let records: RecordSet
    /// The offset to go on from: may lie beyond the last record (a transaction's marker, compaction).
    public let nextOffset: Int64
    /// Whether timestamps are the appender's clock's rather than the record's (`LogAppendTime`).
    public let isAppendTime: Bool

    public init(
        topicPartition: TopicPartition, topicID: TopicID, leaderEpoch: Int32, records: RecordSet, nextOffset: Int64,
        isAppendTime: Bool = false
    ) {
        self.topicPartition = topicPartition
        self.topicID = topicID
        self.leaderEpoch = leaderEpoch
        self.records = records
        self.nextOffset = nextOffset
        self.isAppendTime = isAppendTime
    }
}
