/// Whether a snapshot may be used: only once the log is flushed past everything it calls finished. After a crash the server hands the numbers of
/// unflushed transactions out again, and rows of such would be skipped, or rows that never were sent. A value; the caller does what it says.
package struct FlushFence: Sendable, Hashable {
    /// Who may force a flush by a small durable commit of ours.
    package enum Force: String, Sendable, CaseIterable {
        case tailRow = "tail-row"
        /// A reader without the right to write waits for the server's own.
        case wait
    }

    package enum Step: Sendable, Hashable {
        case passed
        /// Look again after so long.
        case look(afterMicroseconds: Int)
        /// Commit something durably, then look again.
        case force
        /// The log is not flushed for this long: give up, with words.
        case giveUp
    }

    package let pending: LogPosition
    package let force: Force
    private var looks = 0
    private var hasForced = false

    /// Writers with synchronous commits are flushed before they show: what is pending then is somebody's open transaction, and nothing is about to flush it.
    package static let looksBeforeForcing = 1
    package static let firstLookMicroseconds = 300
    package static let longestLookMicroseconds = 20_000
    package static let longestWaitMicroseconds = 10_000_000

    package init(pending: LogPosition, force: Force) {
        self.pending = pending
        self.force = force
    }

    /// - Parameters:
    ///   - flushed: the last look.
    ///   - waitedMicroseconds: since the snapshot was taken.
    package mutating func next(flushed: LogPosition, waitedMicroseconds: Int) -> Step {
        if flushed >= pending { return .passed }
        if waitedMicroseconds > FlushFence.longestWaitMicroseconds { return .giveUp }
        if force == .tailRow, !hasForced, looks >= FlushFence.looksBeforeForcing {
            hasForced = true
            return .force
        }
        looks += 1
        let step = FlushFence.firstLookMicroseconds << min(looks - 1, 8)
        return .look(afterMicroseconds: min(step, FlushFence.longestLookMicroseconds))
    }
}
