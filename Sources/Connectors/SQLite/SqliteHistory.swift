internal import ConnectRuntime
internal import SQLite

/// Where a table's reading starts: a decision about the stored offset and what the file holds.
enum SqliteHistory {
    /// What the file says about a table's changes.
    struct Found: Sendable {
        let uuid: String
        /// The last change ever written.
        let lastSequence: Int64
        let isComplete: Bool
        let shapes: Int
        /// When the change with the stored offset's number happened, as the file says; `nil` when it is not there (pruned).
        let timeAtOffset: Int64?
    }

    enum Decision: Sendable, Hashable {
        case start(SqlitePosition)
        case lost(reason: String)
    }

    static func decide(
        stored: SqlitePosition?, storedUUID: String?, found: Found, snapshot: SqliteSourceSettings.SnapshotMode
    ) -> Decision {
        guard var position = stored else {
            if snapshot == .noData { return .start(SqlitePosition(sequence: found.lastSequence, shape: found.shapes, backfill: nil)) }
            // The change table tells the whole story of a table that was empty when it was armed.
            if found.isComplete { return .start(SqlitePosition(sequence: 0, shape: found.shapes, backfill: found.shapes > 1 ? [] : nil)) }
            return .start(SqlitePosition(sequence: found.lastSequence, shape: found.shapes, backfill: []))
        }
        if let storedUUID, !equalBytes(storedUUID, found.uuid) {
            return .lost(reason: "the file is another one: its mark is \(found.uuid), the offset's \(storedUUID)")
        }
        if found.lastSequence < position.sequence {
            return .lost(reason: "the offset is change \(position.sequence), but the file's last is \(found.lastSequence): an older copy was put back, or the change table was made anew")
        }
        if let time = position.time, let foundTime = found.timeAtOffset, time != foundTime {
            return .lost(reason: "change \(position.sequence) in the file is not the one that was delivered: an older copy was put back and written to")
        }
        // New columns' old values, and whatever was written before the triggers knew them, come with the rows.
        if position.shape < found.shapes {
            position.shape = found.shapes
            position.backfill = []
        }
        return .start(position)
    }

    static func restart(_ policy: SqliteSourceSettings.HistoryLost, found: Found) -> SqlitePosition? {
        switch policy {
        case .fail: nil
        case .earliest: SqlitePosition(sequence: found.lastSequence, shape: found.shapes, backfill: [])
        case .latest: SqlitePosition(sequence: found.lastSequence, shape: found.shapes, backfill: nil)
        }
    }
}
