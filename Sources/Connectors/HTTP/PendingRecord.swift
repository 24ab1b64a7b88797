import ConnectRuntime

/// A record on its way, ready to be sent. An object, so that handing it from queue to queue costs nothing.
final class PendingRecord {
    let entry: RecordBatch.Entry
    let ticket: OffsetPrefix.Ticket
    let offset: Int64
    let target: URLTemplate.Target
    /// Header lines made for this record.
    let headers: [String]
    /// `nil` for a delete.
    let body: [UInt8]?
    let idempotencyKey: String

    init(entry: RecordBatch.Entry, ticket: OffsetPrefix.Ticket, offset: Int64, target: URLTemplate.Target, headers: [String], body: [UInt8]?, idempotencyKey: String) {
        self.entry = entry
        self.ticket = ticket
        self.offset = offset
        self.target = target
        self.headers = headers
        self.body = body
        self.idempotencyKey = idempotencyKey
    }

    var isDelete: Bool { body == nil }
    var place: String { "\(ticket.partition)@\(offset)" }
}
