import ConnectRuntime

/// A record on its way, ready to be sent. An object, so that handing it from queue to queue costs nothing.
final class PendingRecord {
    /// Where it comes from, with its bytes. The value it was made from is not kept: a record that waits holds no more than it must.
    let origin: LogOrigin
    let ticket: OffsetPrefix.Ticket
    let target: URLTemplate.Target
    /// Header lines made for this record.
    let headers: [String]
    /// `nil` for a delete.
    let body: [UInt8]?
    let idempotencyKey: IdempotencyKey

    init(origin: LogOrigin, ticket: OffsetPrefix.Ticket, target: URLTemplate.Target, headers: [String], body: [UInt8]?, idempotencyKey: IdempotencyKey) {
        self.origin = origin
        self.ticket = ticket
        self.target = target
        self.headers = headers
        self.body = body
        self.idempotencyKey = idempotencyKey
    }

    var isDelete: Bool { body == nil }
    var place: String { "\(origin.topicPartition)@\(origin.offset)" }

    /// What a dead letter is made of: the record's place and its bytes.
    var entry: RecordBatch.Entry {
        let timestamp = origin.timestamp
        return RecordBatch.Entry(
            record: Record(topic: origin.topicPartition.topic, partition: origin.topicPartition.partition, timestamp: timestamp < 0 ? nil : timestamp), origin: .log(origin))
    }
}
