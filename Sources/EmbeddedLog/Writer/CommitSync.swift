internal import ConnectRuntime
internal import Synchronization

/// Makes commits durable beside the writer: while the disk takes some, the writer prepares the next (D17).
///
/// SQLite runs with `synchronous=NORMAL`: its COMMIT writes to the write-ahead log and leaves the sync to us. Its checksums run on from frame to
/// frame, so a power cut leaves the commits up to one of them and never a later one without an earlier. Nobody hears of a commit before
/// its frames are synced and the marker is written, which is what `synchronous=FULL` promises; the wait is only no longer the writer's.
final class CommitSync: Sendable {
    private struct State {
        var waiting: [SealedCommit] = []
        /// Bytes of the commits that wait or are being made durable.
        var bytes = 0
        /// Commits that are being made durable.
        var inHand = 0
        var isClosing = false
        var isIdle: Bool { waiting.isEmpty && inHand == 0 }
        func hasRoom(for byteCount: Int) -> Bool { bytes == 0 || bytes + byteCount <= CommitSync.byteLimit }
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()
    private let ahead: CheckpointAhead
    private let marker: MarkerFile
    private let tail: TailBudget
    private let waiters: Waiters
    private let stopping: Stopping

    init(ahead: CheckpointAhead, marker: MarkerFile, tail: TailBudget, waiters: Waiters, stopping: Stopping) {
        self.ahead = ahead
        self.marker = marker
        self.tail = tail
        self.waiters = waiters
        self.stopping = stopping
    }

    /// Syncs what the writer has committed, then tells whoever waits for it. Called by this thread, or by the writer while this one is idle.
    /// - Throws: when the disk failed; then nobody was told, and the log has to stop.
    func makeDurable(_ commits: [SealedCommit]) throws(LogError) {
        guard let last = commits.last else { return }
        try ahead.synchronize(last.mark)
        // Before anybody hears of it: a database behind its marker has lost commits.
        try marker.write(commits: last.number)
        for commit in commits {
            let appended = commit.transaction.publish(tail)
            for request in commit.requests { request.finish(nil) }
            waiters.wake(appended)
        }
        ahead.copy()
    }

    // MARK: the writer's side

    /// Leaves a commit to this thread; waits while too much is on its way.
    /// - Returns: false when the log has stopped: then it was not taken.
    func handOver(_ commit: SealedCommit) -> Bool {
        let byteCount = commit.byteCount
        waitUntil { self.state.withLock { $0.hasRoom(for: byteCount) } }
        if stopping.reason != nil { return false }
        state.withLock { state in
            state.waiting.append(commit)
            state.bytes += commit.byteCount
        }
        condition.broadcast()
        return true
    }

    var isIdle: Bool { state.withLock { $0.isIdle } }

    /// Waits until everything that was handed over has its outcome.
    func drain() { waitUntil { self.isIdle } }

    /// Its end is sure: the disk answers, or the kernel reports an error.
    private func waitUntil(_ isSo: () -> Bool) {
        if isSo() { return }
        while condition.wait(milliseconds: 60_000, until: { isSo() ? true : nil }) == nil {}
    }

    func close() {
        state.withLock { $0.isClosing = true }
        condition.broadcast()
    }

    // MARK: its thread

    /// Runs until it is closed.
    func run() {
        while let commits = next() {
            do {
                if let reason = stopping.reason { throw reason }
                try makeDurable(commits)
            } catch {
                stopping.stop(error, with: commits.flatMap(\.requests))
            }
            state.withLock { state in
                state.bytes -= commits.reduce(0) { $0 + $1.byteCount }
                state.inHand = 0
            }
            condition.broadcast()
        }
    }

    private func next() -> [SealedCommit]? {
        while true {
            let taken = condition.wait(milliseconds: 60_000) {
                state.withLock { state -> [SealedCommit]? in
                    if state.waiting.isEmpty { return state.isClosing ? [] : nil }
                    defer { state.waiting = [] }
                    state.inHand = state.waiting.count
                    return state.waiting
                }
            }
            guard let taken else { continue }
            return taken.isEmpty ? nil : taken
        }
    }

    /// Records that may be committed and not yet durable: enough to keep the disk busy.
    private static let byteLimit = 8 << 20
}

/// A commit that SQLite has taken, on its way to being durable.
/// `@unchecked Sendable`: made by the writer after COMMIT, nothing of it changes from there on.
final class SealedCommit: @unchecked Sendable {
    let transaction: WriterTransaction
    let requests: [WriteRequest]
    /// The commit's number in the log's count.
    let number: Int64
    let byteCount: Int
    /// Where the write-ahead log stood after it.
    let mark: FrameTable.Mark

    init(_ transaction: WriterTransaction, _ requests: [WriteRequest], mark: FrameTable.Mark) {
        self.transaction = transaction
        self.requests = requests
        number = transaction.state.commits
        self.mark = mark
        byteCount = requests.reduce(0) { $0 + $1.byteCount }
    }
}
