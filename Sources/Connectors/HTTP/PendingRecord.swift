import ConnectRuntime

/// A record on its way, ready to be sent.
struct PendingRecord {
    /// Where it comes from, with its bytes. The value it was made from is not kept: a record that waits holds no more than it must.
    let origin: LogOrigin
    let ticket: OffsetPrefix.Ticket
    let target: URLTemplate.Target
    /// Header lines made for this record.
    let headers: [String]
    /// `nil` for a delete.
    let body: [UInt8]?
    let idempotencyKey: IdempotencyKey

    var isDelete: Bool { body == nil }
    var place: String { "\(origin.topicPartition)@\(origin.offset)" }

    /// What a dead letter is made of: the record's place and its bytes.
    var entry: RecordBatch.Entry {
        let timestamp = origin.timestamp
        return RecordBatch.Entry(
            record: Record(topic: origin.topicPartition.topic, partition: origin.topicPartition.partition, timestamp: timestamp < 0 ? nil : timestamp), origin: .log(origin))
    }
}
