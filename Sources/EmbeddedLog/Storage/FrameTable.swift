/// Which pages the write-ahead log holds, which of them are durable there, and which of those the database file has already: decisions only.
struct FrameTable {
    struct Frame: Equatable {
        let page: UInt32
        /// Where the page's content stands in the log's file.
        let offset: Int64
        let isCommit: Bool
    }

    /// How far the log had come at some moment, in whole transactions.
    struct Mark: Equatable {
        fileprivate let generation: Int
        fileprivate let count: Int
    }

    private var frames: [Frame] = []
    /// Index of the newest frame of each page.
    private var newest: [UInt32: Int] = [:]
    /// The frame whose content the database file holds, by page.
    private var copied: [UInt32: Int64] = [:]
    /// Frames that are durable, and frames that were copied or passed over; both from the log's start.
    private var durable = 0, passed = 0
    /// Counts how often the log was begun anew: what belongs to an earlier one counts no more.
    private var generation = 0
    /// Nothing is copied any more until the log begins anew.
    private(set) var isSuspended = false

    /// Frames that are left alone behind the newest durable one: pages that every commit changes would be copied for each of them.
    let lag: Int
    /// Frames that have to be there before copying begins, so that it is done by the half megabyte.
    let step: Int
    /// Frames that are remembered. Pages of later ones are left to the checkpoint.
    let limit: Int

    init(lag: Int = 64, step: Int = 16, limit: Int = 16384) {
        self.lag = lag
        self.step = step
        self.limit = limit
    }

    mutating func startAnew() {
        frames.removeAll(keepingCapacity: true)
        newest.removeAll(keepingCapacity: true)
        copied.removeAll(keepingCapacity: true)
        (durable, passed) = (0, 0)
        generation += 1
        isSuspended = false
    }

    mutating func suspend() { isSuspended = true }

    mutating func append(_ frame: Frame) {
        removeFrames(from: frame.offset)
        if frames.count == limit { return }
        newest[frame.page] = frames.count
        frames.append(frame)
    }

    /// The log is written over from an offset on, as it is after a transaction was rolled back.
    mutating func removeFrames(from offset: Int64) {
        while let last = frames.last, last.offset >= offset {
            frames.removeLast()
            // What is durable is never written over before the log begins anew. If it were, nothing that is known would be true.
            if frames.count < durable { isSuspended = true }
        }
    }

    /// The end of the last whole transaction.
    var mark: Mark { Mark(generation: generation, count: (frames.lastIndex(where: \.isCommit) ?? -1) + 1) }

    /// The log was synced after a mark was taken.
    mutating func becameDurable(_ mark: Mark) {
        if mark.generation == generation { durable = max(durable, min(mark.count, frames.count)) }
    }

    var hasWork: Bool { !isSuspended && durable - passed >= lag + step }

    /// The next pages to copy: those of a step that were not written again since.
    mutating func next() -> [Frame] {
        var found: [Frame] = []
        guard hasWork else { return found }
        for _ in 0..<step {
            let frame = frames[passed]
            if newest[frame.page] == passed { found.append(frame) }
            passed += 1
        }
        return found
    }

    mutating func wasCopied(_ frames: [Frame]) { for frame in frames { copied[frame.page] = frame.offset } }

    /// Whether the database file holds a page as a frame has it.
    func isCopied(_ page: UInt32, from offset: Int64) -> Bool { copied[page] == offset }
}
