/// The rows of one COPY, kept until it is over: the session is free again for what a surprise among them needs. As ``KeptRows``, bounded by bytes.
struct PageRows {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// Whether there were more.
    private(set) var isCut = false
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        // The trailer is shorter than any row.
        if isCut || (bytes.count >= limit && piece.count > MemoryLayout<Int16>.size) { return isCut = true }
        bytes.append(contentsOf: piece)
        ends.append(bytes.count)
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
