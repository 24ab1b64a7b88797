/// A page of a batch that was asked for: what of, and its rows as far as they have come.
final class PageFetch {
    private let from: XidSnapshot
    private let to: XidSnapshot
    private let tables: Set<UInt32>
    private let after: Int64
    private let limit: Int
    var rows: PageRows

    init(_ group: TailPlan.Group, to: XidSnapshot, after: Int64, limit: Int, bytes: Int) {
        (from, self.to, tables) = (group.from, to, group.tables)
        (self.after, self.limit) = (after, limit)
        rows = PageRows(limit: bytes)
    }

    var sql: String { TailSQL.page(from: from, to: to, after: after, tables: tables, limit: limit) }

    /// Whether there may be changes behind it.
    var mayGoOn: Bool { rows.rowCount >= limit || rows.isCut }

    /// Whether it begins where another page does; how long they are may differ.
    func begins(as other: PageFetch) -> Bool { after == other.after && from == other.from && to == other.to && tables == other.tables }
}
