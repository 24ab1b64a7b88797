internal import CLinux
internal import ConnectRuntime
internal import Glibc
internal import SQLite
internal import Synchronization

/// Copies durable pages from the write-ahead log into the database file while the writer goes on, so that a checkpoint finds them there (D17).
///
/// A checkpoint reads a page from the log and writes it to the file. Whatever this thread has copied before is left out then; the checkpoint's own sync of
/// the file makes it durable, and only after that the log is written again from its start. So the file holds what it would hold without this, a
/// little earlier: a crash in between leaves a log that has every one of these pages. Whatever fails here is left to the checkpoint, and said by it.
final class CheckpointAhead: WriteAheadObserver {
    private struct State {
        var table = FrameTable()
        /// Pages are being copied.
        var isCopying = false
        /// Where the page stands in the log that the checkpoint read last.
        var lastRead: Int64 = -1
        /// Up to where in the log the disk was told to begin.
        var begun: Int64 = 0
        var leftOut = 0
        var isClosing = false
        var hasEnded = false
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()
    private let pageBytes: Int
    private let synchronizing: @Sendable (Int32) -> Int32
    /// −1 before ``open(database:writeAheadLog:)`` and after ``close()``.
    private let files = Mutex<(database: Int32, log: Int32)>((-1, -1))

    /// - Parameter synchronizing: makes a file durable, as `fdatasync` does.
    init(pageBytes: Int, synchronizing: @escaping @Sendable (Int32) -> Int32) {
        self.pageBytes = pageBytes
        self.synchronizing = synchronizing
    }

    /// Opens the two files that SQLite has open, for itself. - Throws: where one cannot be opened.
    func open(database: String, writeAheadLog: String) throws(LogError) {
        let opened = (database: Glibc.open(database, O_RDWR | O_CLOEXEC), log: Glibc.open(writeAheadLog, O_RDWR | O_CLOEXEC))
        let code = errno
        files.withLock { $0 = opened }
        if opened.database < 0 || opened.log < 0 {
            closeFiles()
            throw LogError(.fatal, "\(opened.database < 0 ? database : writeAheadLog) cannot be opened: \(systemMessage(code))")
        }
    }

    deinit { closeFiles() }

    private func closeFiles() {
        files.withLock { files in
            for descriptor in [files.database, files.log] where descriptor >= 0 { Glibc.close(descriptor) }
            files = (-1, -1)
        }
    }

    // MARK: durability

    /// What is committed so far. Called by the writer after COMMIT.
    var mark: FrameTable.Mark { state.withLock { $0.table.mark } }

    /// Makes everything durable that was committed when the mark was taken. Called by whoever tells of commits.
    /// - Throws: `.fatal` when the disk failed: the log has to stop, and the sync is never tried again.
    func synchronize(_ mark: FrameTable.Mark) throws(LogError) {
        guard synchronizing(files.withLock { $0.log }) == 0 else {
            throw LogError(.fatal, "the write-ahead log cannot be synchronised: \(systemMessage(errno))")
        }
        state.withLock { $0.table.becameDurable(mark) }
    }

    /// Has the thread begin, where there is something to copy. Called when whoever waits for the commits has been told.
    func copy() {
        if state.withLock({ $0.table.hasWork && !$0.isCopying }) { condition.broadcast() }
    }

    // MARK: its thread

    /// Copies until it is closed.
    func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: CheckpointAhead.headerBytes + pageBytes, alignment: 4096)
        defer {
            buffer.deallocate()
            state.withLock { $0.hasEnded = true }
            condition.broadcast()
        }
        while let frames = next() {
            let done = copy(frames, buffer)
            state.withLock { state in
                state.table.wasCopied(Array(frames.prefix(done)))
                // Why it failed is the checkpoint's to find and to say.
                if done < frames.count { state.table.suspend() }
                state.isCopying = false
            }
            condition.broadcast()
        }
    }

    /// The next pages to copy; waits for some. `nil` when it is to end.
    private func next() -> [FrameTable.Frame]? {
        while true {
            let taken = condition.wait(milliseconds: 60_000) {
                state.withLock { state -> [FrameTable.Frame]? in
                    if state.isClosing { return [] }
                    while state.table.hasWork {
                        let frames = state.table.next()
                        if frames.isEmpty { continue }
                        state.isCopying = true
                        return frames
                    }
                    return nil
                }
            }
            guard let taken else { continue }
            return taken.isEmpty ? nil : taken
        }
    }

    /// - Returns: how many of them are in the file now.
    private func copy(_ frames: [FrameTable.Frame], _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let (database, log) = files.withLock { $0 }
        var first = Int64.max, end: Int64 = 0, done = 0
        for frame in frames {
            let place = (Int64(frame.page) - 1) * Int64(pageBytes)
            // With its header, which names the page: what is written to the database is never another page than this.
            guard let bytes = buffer.baseAddress,
                pread(log, bytes, buffer.count, off_t(frame.offset) - off_t(CheckpointAhead.headerBytes)) == buffer.count,
                UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) == frame.page,
                pwrite(database, bytes + CheckpointAhead.headerBytes, pageBytes, off_t(place)) == pageBytes
            else { break }
            first = min(first, place)
            end = max(end, place + Int64(pageBytes))
            done += 1
        }
        // The disk begins with them at once, so that little is left for the checkpoint's sync to wait for.
        if done > 0 { connectd_start_writing(database, Int(first), Int(end - first)) }
        return done
    }

    /// Has the thread end.
    func end() {
        state.withLock { $0.isClosing = true }
        condition.broadcast()
    }

    /// Waits for the thread's end and lets go of the files. The database is closed before: closing any descriptor of a file drops the locks that SQLite holds on it.
    func close() {
        end()
        waitUntil { $0.hasEnded }
        closeFiles()
    }

    /// Pages that checkpoints found in the file so far.
    var pagesLeftOut: Int { state.withLock { $0.leftOut } }

    // MARK: what SQLite does

    func logStartsAnew() {
        stopCopying()
        state.withLock { $0.table.startAnew() }
    }

    func frameWritten(page: UInt32, at offset: Int64, isCommit: Bool) {
        let end = offset + Int64(pageBytes)
        let begin = state.withLock { state -> Int64? in
            state.table.append(FrameTable.Frame(page: page, offset: offset, isCommit: isCommit))
            // What is left at a commit's end is the sync's; and a log that begins anew is at its start again.
            if isCommit || offset < state.begun { state.begun = end }
            if end - state.begun < CheckpointAhead.earlyBytes { return nil }
            defer { state.begun = end }
            return state.begun
        }
        // A long transaction's first frames go to the disk while SQLite still writes the others: a tenth of a commit's time.
        guard let begin else { return }
        let wholePages = Int64(~4095)
        connectd_start_writing(files.withLock { $0.log }, Int(begin & wholePages), Int((end & wholePages) - (begin & wholePages)))
    }

    func logChanged(at offset: Int64) { state.withLock { $0.table.contentChanged(at: offset) } }

    func logRead(at offset: Int64) { state.withLock { $0.lastRead = offset } }

    func mayLeaveOut(at offset: Int64, byteCount: Int) -> Bool {
        // From here on the file is the checkpoint's, until the log begins anew.
        stopCopying()
        guard byteCount == pageBytes, let page = UInt32(exactly: offset / Int64(pageBytes) + 1) else { return false }
        return state.withLock { state in
            guard state.table.isCopied(page, from: state.lastRead) else { return false }
            state.leftOut += 1
            return true
        }
    }

    private func stopCopying() {
        state.withLock { $0.table.suspend() }
        waitUntil { !$0.isCopying }
    }

    /// What it waits for ends with a page that is being copied.
    private func waitUntil(_ isSo: @Sendable (borrowing State) -> Bool) {
        if state.withLock({ isSo($0) }) { return }
        while condition.wait(milliseconds: 60_000, until: { state.withLock { isSo($0) } ? true : nil }) == nil {}
    }

    private static let headerBytes = 24
    private static let earlyBytes: Int64 = 128 << 10
}
