/// One row of the change table, or one row of a table that is backfilled, with its images lent.
struct Change {
    /// 0 for a backfilled row.
    let id: Int64
    let xid: UInt64
    /// Milliseconds since 1970.
    let milliseconds: Int64
    let table: UInt32
    /// `c`, `u`, `d`, `t`; `r` for a backfilled row.
    let op: UInt8
    let before: UnsafeRawBufferPointer?
    let after: UnsafeRawBufferPointer?

    var imageBytes: Int { (before?.count ?? 0) + (after?.count ?? 0) }
}

/// Values in PostgreSQL's binary forms.
enum BinaryForm {
    /// Microseconds between 1970 and 2000, where PostgreSQL counts from.
    static let epochMicroseconds: Int64 = 946_684_800_000_000

    @inline(__always) static func integer<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, as type: T.Type = T.self) -> T? {
        guard bytes.count == MemoryLayout<T>.size else { return nil }
        return T(bigEndian: bytes.loadUnaligned(as: T.self))
    }

    /// `jsonb` travels with a version in front of its text.
    @inline(__always) static func json(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard bytes.count > 1, bytes[0] == 1 else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[1...])
    }

    @inline(__always) static func milliseconds(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard let micros: Int64 = integer(bytes) else { return nil }
        let (sum, overflow) = micros.addingReportingOverflow(epochMicroseconds)
        return overflow ? nil : sum / 1000
    }
}
