/// The row number of a record batch: partition serial above, base offset below, so that a partition's batches lie side by side
/// and one index serves them all.
enum BatchKey {
    /// Offsets a partition can have: 3.5 × 10¹³.
    static let offsetBits: Int64 = 45
    static let offsetLimit: Int64 = 1 << offsetBits
    /// Partitions that can ever be made: 262,144.
    static let serialLimit: Int64 = 1 << (63 - offsetBits)

    static func row(_ serial: Int64, _ offset: Int64) -> Int64 { serial << offsetBits | offset & (offsetLimit - 1) }
    static func serial(_ row: Int64) -> Int64 { row >> offsetBits }
    static func offset(_ row: Int64) -> Int64 { row & (offsetLimit - 1) }
}
