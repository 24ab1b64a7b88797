package import ConnectRuntime

/// Where the tail stands in one table: what a source offset holds, in its first version.
///
/// Everything that finished in `from` was sent. With `to`, of what finished between `from` and `to` everything up to change `sent` was.
package struct TailPosition: Sendable, Hashable {
    package var from: XidSnapshot
    package var to: XidSnapshot?
    package var sent: Int64
    /// What the log must be flushed to before these snapshots may be used: past it at the time they were stored.
    package var flushed: LogPosition
    package var history: ServerHistory
    /// The last change sent, to recognise a server that was put back.
    package var last: LastChange?
    /// Texts of the key after which the backfill goes on, empty at its start; `nil` when there is none to do.
    package var backfill: [String]?

    package struct LastChange: Sendable, Hashable {
        package let id: Int64
        package let xid: UInt64

        package init(id: Int64, xid: UInt64) {
            self.id = id
            self.xid = xid
        }
    }

    package var offset: SourceOffset { SourceOffset(members) }

    var members: [(Name, JSON)] {
        var members: [(Name, JSON)] = [("v", .integer(1)), ("s1", .string(from.text))]
        if let to {
            members.append(("s2", .string(to.text)))
            members.append(("id", .integer(sent)))
        }
        members.append(("lsn", .string(flushed.description)))
        members.append(("tl", .integer(history.timeline)))
        members.append(("sys", .string(history.system)))
        if let last {
            let text = JSON.object([.init("id", .integer(last.id)), .init("xid", .string(String(last.xid)))]).serializedText
            members.append(("last", .string(text)))
        }
        if let backfill { members.append(("bf", .string(JSON.array(backfill.map { .string($0) }).serializedText))) }
        return members
    }

    package init(
        from: XidSnapshot, to: XidSnapshot? = nil, sent: Int64 = 0, flushed: LogPosition, history: ServerHistory, last: LastChange? = nil,
        backfill: [String]? = nil
    ) {
        self.from = from
        self.to = to
        self.sent = sent
        self.flushed = flushed
        self.history = history
        self.last = last
        self.backfill = backfill
    }

    /// - Parameter kind: `nil` for the change table's.
    /// - Throws: ``ConnectError`` when the stored offset is none of ours.
    package init(_ offset: SourceOffset, of kind: String? = nil) throws {
        let members = try offset.members()
        if members["of"]?.text != kind || members["fence"] != nil || members["incrementing"] != nil || members["timestamp"] != nil {
            throw RowPosition.other(offset, "mode=snapshot with capture=change")
        }
        func malformed(_ what: String) -> ConnectError {
            ConnectError(
                .fatal, code: "offset.malformed", "the stored source offset \(String(decoding: offset.json, as: UTF8.self)) is not a PostgreSQL source's: \(what)",
                suggestion: "stop the connector and reset its offsets")
        }
        guard members["v"]?.int64 == 1 else { throw malformed("\"v\" is not 1") }
        guard let from = members["s1"]?.text.flatMap({ XidSnapshot($0) }) else { throw malformed("\"s1\" is no snapshot") }
        guard let timeline = members["tl"]?.int64, let system = members["sys"]?.text else { throw malformed("\"tl\" or \"sys\" is missing") }
        self.init(
            from: from, flushed: members["lsn"]?.text.flatMap { LogPosition($0) } ?? LogPosition(0),
            history: ServerHistory(system: system, timeline: timeline))
        if let text = members["s2"]?.text {
            guard let to = XidSnapshot(text), let id = members["id"]?.int64, id >= 0 else { throw malformed("\"s2\" or \"id\" is malformed") }
            self.to = to
            sent = id
        }
        if let text = members["last"]?.text {
            guard let json = try? JSON.parse(text), let id = json["id"]?.int64, let xid = json["xid"]?.text.flatMap({ UInt64($0) }) else {
                throw malformed("\"last\" is malformed")
            }
            last = LastChange(id: id, xid: xid)
        }
        if let text = members["bf"]?.text {
            guard let elements = (try? JSON.parse(text))?.elements else { throw malformed("\"bf\" is malformed") }
            let texts = elements.compactMap(\.text)
            guard texts.count == elements.count else { throw malformed("\"bf\" is malformed") }
            backfill = texts
        }
    }
}

/// Which server, in which of its lives, a position belongs to.
package struct ServerHistory: Sendable, Hashable {
    /// The number `initdb` gave it.
    package let system: String
    /// Counted up by each promotion and point-in-time recovery.
    package let timeline: Int64

    package init(system: String, timeline: Int64) {
        self.system = system
        self.timeline = timeline
    }
}
