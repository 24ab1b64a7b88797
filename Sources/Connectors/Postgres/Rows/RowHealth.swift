/// What is worth saying about tables that are read as they are. A value.
struct RowHealth: Sendable {
    /// The moment of the newest look, by which an offset says what the log was flushed to.
    var pending: TailSession.Moment?
    private var gapSince: UInt64?
    private var hasGapNote = false

    /// A gap that is open for this long is said.
    static let gapNanoseconds: UInt64 = 2_000_000_000

    mutating func looked(at moment: TailSession.Moment) { pending = moment }

    mutating func isGapNoteDue(_ now: UInt64) -> Bool {
        guard let since = gapSince else {
            gapSince = now
            return false
        }
        guard now &- since >= RowHealth.gapNanoseconds else { return false }
        hasGapNote = true
        return true
    }

    /// - Returns: whether a note stands that is no longer true.
    mutating func endGapNote() -> Bool {
        gapSince = nil
        defer { hasGapNote = false }
        return hasGapNote
    }
}
