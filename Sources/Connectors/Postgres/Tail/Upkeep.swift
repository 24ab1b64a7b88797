/// When the tail does what has time: storing idle offsets, looking at the tables' shape, telling where it is durably, pruning. A value.
struct Upkeep: Sendable, Hashable {
    private var lastPersist: UInt64
    private var lastShape: UInt64
    private var lastReader: UInt64
    private var lastPrune: UInt64
    private var lastBeat: UInt64

    static let shapeMilliseconds = 2000
    static let readerMilliseconds = 1000
    static let pruneMilliseconds = 10_000
    static let pruneRows = 5000

    init(now: UInt64 = 0) {
        lastPersist = now
        lastShape = now
        lastReader = now
        lastPrune = now
        lastBeat = now
    }

    private static func isDue(_ last: inout UInt64, _ now: UInt64, _ milliseconds: Int) -> Bool {
        guard now &- last >= UInt64(milliseconds) &* 1_000_000 else { return false }
        last = now
        return true
    }

    mutating func isPersistDue(_ now: UInt64, every milliseconds: Int) -> Bool { Upkeep.isDue(&lastPersist, now, milliseconds) }
    mutating func isShapeDue(_ now: UInt64) -> Bool { Upkeep.isDue(&lastShape, now, Upkeep.shapeMilliseconds) }
    mutating func isReaderDue(_ now: UInt64) -> Bool { Upkeep.isDue(&lastReader, now, Upkeep.readerMilliseconds) }
    /// Often enough that nobody takes us for gone.
    mutating func isBeatDue(_ now: UInt64, expiry milliseconds: Int) -> Bool { Upkeep.isDue(&lastBeat, now, milliseconds / 20) }
    mutating func isPruneDue(_ now: UInt64) -> Bool { Upkeep.isDue(&lastPrune, now, Upkeep.pruneMilliseconds) }
    /// There was more to prune than one statement takes.
    mutating func pruneAgainSoon(_ now: UInt64) { lastPrune = now &- UInt64(Upkeep.pruneMilliseconds - 100) &* 1_000_000 }
}
