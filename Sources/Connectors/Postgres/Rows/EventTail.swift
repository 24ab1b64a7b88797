package import ConnectRuntime

/// Where a tail by snapshots stands in an event table: the same as in the change table, of one table. A value.
package struct EventTail: Sendable, Hashable {
    package var from: XidSnapshot
    /// The end of the batch that is under way.
    package var to: XidSnapshot?
    /// Of the batch under way, everything up to this number was sent.
    package var sent: Int64 = 0
    package var last: TailPosition.LastChange?
    /// What the last offset given out held.
    package var given: XidSnapshot?

    /// Nothing had finished: the first batch is everything.
    package static let beginning = XidSnapshot(xmin: 3, xmax: 3)

    package init(from: XidSnapshot, to: XidSnapshot? = nil, sent: Int64 = 0, last: TailPosition.LastChange? = nil) {
        self.from = from
        self.to = to
        self.sent = sent
        self.last = last
    }

    package mutating func begin(to snapshot: XidSnapshot, sent id: Int64) {
        to = snapshot
        sent = id
    }

    package mutating func finish() {
        guard let to else { return }
        complete(at: to)
    }

    package mutating func complete(at snapshot: XidSnapshot) {
        from = snapshot
        to = nil
        sent = 0
    }

    /// The change table's form, marked: its numbers are those of another table.
    package func offset(flushed: LogPosition, history: ServerHistory) -> SourceOffset {
        let position = TailPosition(from: from, to: to, sent: sent, flushed: flushed, history: history, last: last)
        return SourceOffset([("of", .string("events"))] + position.members)
    }

    /// - Throws: ``ConnectError`` when the stored offset is none of an event table's.
    package static func position(_ offset: SourceOffset) throws -> TailPosition {
        guard try offset.members()["of"]?.text == "events" else { throw RowPosition.other(offset, "capture=events") }
        return try TailPosition(offset, of: "events")
    }
}
