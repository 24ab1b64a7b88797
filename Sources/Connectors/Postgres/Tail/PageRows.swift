/// The rows of one COPY, kept until it is over: the session is free again for what a surprise among them needs. As ``KeptRows``, bounded by bytes.
struct PageRows {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// Whether there were more.
    private(set) var isCut = false
    private(set) var rowCount = 0
    private let limit: Int
    /// What COPY puts in front of the rows and behind them is shorter than any row.
    private static let leastRowBytes = 30

    init(limit: Int) { self.limit = limit }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        let isRow = piece.count >= PageRows.leastRowBytes
        if isCut || (bytes.count >= limit && isRow) { return isCut = true }
        if isRow { rowCount += 1 }
        bytes.append(contentsOf: piece)
        ends.append(bytes.count)
    }

    /// The last row's change; `nil` without rows.
    func lastID() throws -> Int64? {
        try bytes.withUnsafeBytes { all in
            for index in ends.indices.reversed() {
                let start = index == 0 ? 0 : ends[index - 1]
                if let id = try ChangeRow.lend(UnsafeRawBufferPointer(rebasing: all[start..<ends[index]]), { $0.id }) { return id }
            }
            return nil
        }
    }

    /// - Returns: how many there were.
    func forEach(_ body: (Change) throws -> Void) throws -> Int {
        var count = 0, start = 0
        try bytes.withUnsafeBytes { all in
            for end in ends {
                if try ChangeRow.lend(UnsafeRawBufferPointer(rebasing: all[start..<end]), body) != nil { count += 1 }
                start = end
            }
        }
        return count
    }
}
