internal import ConnectRuntime
internal import Postgres

/// Reads rows of the change table, `id, xid, ts, tbl, op, before, after`, from results and from COPY, both in binary form.
enum ChangeRow {
    static let columns = "id, xid, ts, tbl, op, before, after"
    static let columnCount = 7

    static let malformed = ConnectError(
        .fatal, code: "postgres.source.change_damaged", "a row of connectd.change has another form than ours",
        suggestion: "somebody altered connectd.change: put it back, or drop the schema connectd and reset the connector's offsets")

    /// Lends a row of a result whose columns begin at `first`.
    static func lend<R>(_ result: QueryResult, _ row: Int, from first: Int, _ body: (Change) throws -> R) throws -> R {
        try result.withBytes(row, first) { id in
            try result.withBytes(row, first + 1) { xid in
                try result.withBytes(row, first + 2) { time in
                    try result.withBytes(row, first + 3) { table in
                        try result.withBytes(row, first + 4) { op in
                            try result.withBytes(row, first + 5) { before in
                                try result.withBytes(row, first + 6) { after in
                                    try body(try change(id, xid, time, table, op, before, after))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Lends the row in one piece of `COPY … (FORMAT binary)`; `nil` for the trailer.
    static func lend<R>(_ piece: UnsafeRawBufferPointer, _ body: (Change) throws -> R) throws -> R? {
        var reader = CopyReader(piece)
        guard let count = try reader.fieldCount() else { return nil }
        guard count == columnCount else { throw malformed }
        let id = try reader.field(), xid = try reader.field(), time = try reader.field(), table = try reader.field(), op = try reader.field()
        return try body(try change(id, xid, time, table, op, try reader.field(), try reader.field()))
    }

    private static func change(
        _ id: UnsafeRawBufferPointer?, _ xid: UnsafeRawBufferPointer?, _ time: UnsafeRawBufferPointer?, _ table: UnsafeRawBufferPointer?,
        _ op: UnsafeRawBufferPointer?, _ before: UnsafeRawBufferPointer?, _ after: UnsafeRawBufferPointer?
    ) throws -> Change {
        guard let id = id.flatMap({ BinaryForm.integer($0, as: Int64.self) }), let xid = xid.flatMap({ BinaryForm.integer($0, as: UInt64.self) }),
            let time = time.flatMap({ BinaryForm.milliseconds($0) }), let table = table.flatMap({ BinaryForm.integer($0, as: UInt32.self) }),
            let op, op.count == 1
        else { throw malformed }
        return Change(
            id: id, xid: xid, milliseconds: time, table: table, op: op[0], before: before.flatMap { BinaryForm.json($0) },
            after: after.flatMap { BinaryForm.json($0) })
    }
}

/// Walks over one piece of a binary COPY: its header (in front of the first row), then counted fields.
struct CopyReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        if bytes.count >= 19, bytes.prefix(11).elementsEqual(CopyReader.signature) { index = 19 }
    }

    /// How many fields the row has; `nil` for the trailer, and when there is nothing behind the header.
    mutating func fieldCount() throws -> Int? {
        if index == bytes.count { return nil }
        let count: Int16 = try number()
        return count < 0 ? nil : Int(count)
    }

    /// The next field; `nil` for NULL.
    mutating func field() throws -> UnsafeRawBufferPointer? {
        let length: Int32 = try number()
        if length < 0 { return nil }
        guard index + Int(length) <= bytes.count else { throw ChangeRow.malformed }
        defer { index += Int(length) }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<index + Int(length)])
    }

    private mutating func number<T: FixedWidthInteger>() throws -> T {
        let size = MemoryLayout<T>.size
        guard index + size <= bytes.count else { throw ChangeRow.malformed }
        defer { index += size }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: T.self))
    }
}
