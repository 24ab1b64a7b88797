internal import ConnectRuntime

/// Where the source stands in one table: what a source offset holds.
struct SqlitePosition: Sendable, Hashable {
    /// The last change that was read.
    var sequence: Int64
    /// When that change happened, to recognise a file that was put back; `nil` when it is not known.
    var time: Int64?
    /// The shape (counted from 1) that the rows were read in.
    var shape: Int
    /// Key after which the backfill goes on; `nil` when it is done, empty at its start.
    var backfill: [SqliteValue]?
    /// Whether that key is the rowid, not the primary key.
    var walksRowid = false

    func offset(uuid: String) -> SourceOffset {
        var members: [(Name, JSON)] = [("uuid", .string(uuid)), ("seq", .integer(sequence))]
        if let time { members.append(("at", .integer(time))) }
        members.append(("shape", .integer(Int64(shape))))
        if let backfill { members.append(("backfill", .string(JSON.array(backfill.map(\.json)).serializedText))) }
        if walksRowid, backfill?.isEmpty == false { members.append(("rowid", .boolean(true))) }
        return SourceOffset(members)
    }

    /// - Throws: when the stored offset is none of ours.
    init(_ offset: SourceOffset) throws {
        let members = try offset.members()
        guard let sequence = members["seq"]?.int64, sequence >= 0 else { throw Self.malformed(offset) }
        self.sequence = sequence
        time = members["at"]?.int64
        shape = members["shape"]?.int64.flatMap { Int(exactly: $0) } ?? 1
        if let text = members["backfill"]?.text {
            guard let elements = (try? JSON.parse(text))?.elements else { throw Self.malformed(offset) }
            let values = elements.compactMap { SqliteValue(json: $0) }
            guard values.count == elements.count else { throw Self.malformed(offset) }
            backfill = values
        }
        if case .boolean(true)? = members["rowid"] { walksRowid = true }
    }

    init(sequence: Int64, time: Int64? = nil, shape: Int, backfill: [SqliteValue]?) {
        self.sequence = sequence
        self.time = time
        self.shape = shape
        self.backfill = backfill
    }

    static func uuid(_ offset: SourceOffset) throws -> String? { try offset.members()["uuid"]?.text }

    private static func malformed(_ offset: SourceOffset) -> ConnectError {
        ConnectError(
            .fatal, code: "offset.malformed", "the stored source offset \(String(decoding: offset.json, as: UTF8.self)) is not a SQLite source's",
            suggestion: "an offset looks like {\"seq\":42}; set it, or stop the connector and reset its offsets")
    }
}
