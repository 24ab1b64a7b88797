internal import Postgres

/// The first rows of a statement, as many as fit into a number of bytes, the one that exceeds it included. What is beyond is read anew with the
/// next page, which asks for fewer rows.
struct KeptRows {
    private(set) var rows: [QueryResult] = []
    private(set) var bytes = 0
    /// Whether there were more.
    private(set) var isCut = false
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { rows.count }

    /// - Returns: whether more is wanted.
    mutating func keep(_ row: QueryResult) -> Bool {
        if bytes >= limit, !rows.isEmpty {
            isCut = true
            return false
        }
        for column in 0..<row.columnCount { bytes += row.withBytes(0, column) { $0?.count ?? 0 } }
        rows.append(row)
        return true
    }
}
