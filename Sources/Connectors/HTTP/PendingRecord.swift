import ConnectRuntime

/// A record on its way, ready to be sent.
struct PendingRecord {
    let entry: RecordBatch.Entry
    let ticket: OffsetPrefix.Ticket
    let offset: Int64
    let target: URLTemplate.Target
    /// Header lines made for this record.
    let headers: [String]
    /// `nil` for a delete.
    let body: [UInt8]?
    let idempotencyKey: String

    var isDelete: Bool { body == nil }
    var place: String { "\(ticket.partition)@\(offset)" }
}
