internal import ConnectRuntime
internal import Postgres

/// The rows of one COPY: up to two whole numbers in front, then the row's image. Kept until the COPY is over, so that the session is free again
/// for what a surprise among them needs. Bounded by bytes: the row that exceeds them is the last, what follows is read anew with the next page.
struct ImagePage {
    struct Row {
        /// The columns in front of the image, in their order; `nil` for NULL and where there is none.
        let first: Int64?
        let second: Int64?
        let image: UnsafeRawBufferPointer
    }

    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// Whether there were more rows.
    private(set) var isCut = false

    var byteCount: Int { bytes.count }

    /// Reads what a COPY in binary form has.
    /// - Parameters:
    ///   - limit: about the most bytes.
    ///   - keepsEqual: whether rows that have the first number of the one before them belong to it, however many they are.
    static func read(_ connection: Connection, _ sql: String, limit: Int, keepsEqual: Bool = false) throws -> ImagePage {
        var page = ImagePage()
        try connection.beginCopyOut(sql)
        while try connection.nextCopyRow({ try page.append($0, limit: limit, keepsEqual: keepsEqual) }) {}
        return page
    }

    private mutating func append(_ piece: UnsafeRawBufferPointer, limit: Int, keepsEqual: Bool) throws {
        if isCut { return }
        // The trailer is shorter than any row.
        if bytes.count >= limit, piece.count > MemoryLayout<Int16>.size {
            guard keepsEqual, try ImagePage.first(piece) == lastFirst() else { return isCut = true }
        }
        bytes.append(contentsOf: piece)
        ends.append(bytes.count)
    }

    private func lastFirst() throws -> Int64? {
        guard let end = ends.last else { return nil }
        let start = ends.count > 1 ? ends[ends.count - 2] : 0
        return try bytes.withUnsafeBytes { try ImagePage.first(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    }

    private static func first(_ piece: UnsafeRawBufferPointer) throws -> Int64? {
        var reader = CopyReader(piece)
        guard try reader.fieldCount() != nil else { return nil }
        return try reader.field().flatMap { BinaryForm.integer($0) }
    }

    /// - Returns: how many rows there were.
    @discardableResult
    func forEach(_ body: (Row) throws -> Void) throws -> Int {
        var count = 0, start = 0
        try bytes.withUnsafeBytes { all in
            for end in ends {
                var reader = CopyReader(UnsafeRawBufferPointer(rebasing: all[start..<end]))
                start = end
                guard let fields = try reader.fieldCount() else { continue }
                guard fields == 1 || fields == 2 || fields == 3 else { throw ChangeRow.malformed }
                let first = fields > 1 ? try reader.field() : nil, second = fields > 2 ? try reader.field() : nil
                guard let image = try reader.field().flatMap({ BinaryForm.json($0) }) else { throw ChangeRow.malformed }
                try body(Row(first: first.flatMap { BinaryForm.integer($0) }, second: second.flatMap { BinaryForm.integer($0) }, image: image))
                count += 1
            }
        }
        return count
    }

    /// The first number of each row.
    func firsts() throws -> [Int64] {
        var numbers: [Int64] = []
        try forEach { numbers.append($0.first ?? 0) }
        return numbers
    }
}
