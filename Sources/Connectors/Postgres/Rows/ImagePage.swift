internal import ConnectRuntime
internal import Postgres

/// The rows of one COPY: up to two whole numbers in front, then the row's image. Kept until the COPY is over, so that the session is free again
/// for what a surprise among them needs.
struct ImagePage {
    struct Row {
        /// The columns in front of the image, in their order; `nil` for NULL and where there is none.
        let first: Int64?
        let second: Int64?
        let image: UnsafeRawBufferPointer
    }

    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var byteCount: Int { bytes.count }

    /// Reads everything a COPY in binary form has.
    static func read(_ connection: Connection, _ sql: String) throws -> ImagePage {
        var page = ImagePage()
        try connection.beginCopyOut(sql)
        while try connection.nextCopyRow({ page.append($0) }) {}
        return page
    }

    private mutating func append(_ piece: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: piece)
        ends.append(bytes.count)
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
