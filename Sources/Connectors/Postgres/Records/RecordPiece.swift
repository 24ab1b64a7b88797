/// A piece of a page: records that become durable together. It ends with the offset up to it, so a page may be spread over several transactions of
/// the log; what one change is made of stays in one piece.
enum RecordPiece {
    /// About the most bytes of images; a longer one stands alone. Well below the least that a transaction of the log takes (1 MiB).
    static let mostBytes = 256 << 10
}
