/// Which pages the write-ahead log holds, which of them are durable there, and which of those the database file has already: decisions only.
package struct FrameTable {
    package struct Frame: Equatable {
        package let page: UInt32
        /// Where the page's content stands in the log's file.
        package let offset: Int64
        package let isCommit: Bool

        package init(page: UInt32, offset: Int64, isCommit: Bool) {
            self.page = page
            self.offset = offset
            self.isCommit = isCommit
        }
    }

    /// How far the log had come at some moment, in whole transactions.
    package struct Mark: Equatable {
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
    package private(set) var isSuspended = false

    /// Frames that are left alone behind the newest durable one: pages that every commit changes would be copied for each of them.
    let lag: Int
    /// Frames that have to be there before copying begins, so that it is done by the half megabyte.
    let step: Int
    /// Frames that are remembered. Pages of later ones are left to the checkpoint.
    let limit: Int

    package init(lag: Int = 64, step: Int = 16, limit: Int = 16384) {
        self.lag = lag
        self.step = step
        self.limit = limit
    }

    package mutating func startAnew() {
        frames.removeAll(keepingCapacity: true)
        newest.removeAll(keepingCapacity: true)
        copied.removeAll(keepingCapacity: true)
        (durable, passed) = (0, 0)
        generation += 1
        isSuspended = false
    }

    package mutating func suspend() { isSuspended = true }

    package mutating func append(_ frame: Frame) {
        removeFrames(from: frame.offset)
        if frames.count == limit { return }
        newest[frame.page] = frames.count
        frames.append(frame)
    }

    /// The log is written over from an offset on, as it is after a transaction was rolled back.
    package mutating func removeFrames(from offset: Int64) {
        while let last = frames.last, last.offset >= offset {
            frames.removeLast()
            // What is durable is never written over before the log begins anew. If it were, nothing that is known would be true.
            if frames.count < durable { isSuspended = true }
        }
    }

    /// A page that its transaction had spilled already was written again, into the frame it has; or anything else that was not expected.
    package mutating func contentChanged(at offset: Int64) {
        guard let index = frames.lastIndex(where: { $0.offset <= offset }) else { return }
        if frames[index].offset != offset {
            removeFrames(from: offset)
        } else if index < durable {
            isSuspended = true
        }
    }

    /// The end of the last whole transaction.
    package var mark: Mark { Mark(generation: generation, count: (frames.lastIndex(where: \.isCommit) ?? -1) + 1) }

    /// The log was synced after a mark was taken.
    package mutating func becameDurable(_ mark: Mark) {
        if mark.generation == generation { durable = max(durable, min(mark.count, frames.count)) }
    }

    package var hasWork: Bool { !isSuspended && durable - passed >= lag + step }

    /// The next pages to copy: those of a step that were not written again since.
    package mutating func next() -> [Frame] {
        var found: [Frame] = []
        guard hasWork else { return found }
        for _ in 0..<step {
            let frame = frames[passed]
            if newest[frame.page] == passed { found.append(frame) }
            passed += 1
        }
        return found
    }

    package mutating func wasCopied(_ frames: [Frame]) { for frame in frames { copied[frame.page] = frame.offset } }

    /// Whether the database file holds a page as a frame has it.
    package func isCopied(_ page: UInt32, from offset: Int64) -> Bool { copied[page] == offset }
}
