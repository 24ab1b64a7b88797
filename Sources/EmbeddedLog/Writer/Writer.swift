internal import ConnectRuntime
internal import SQLite

/// The one thread that owns the database: it groups what waits into commits, reads for consumers between them, and moves the
/// write-ahead log into the file.
///
/// A commit of records alone is made durable by ``CommitSync`` on a thread of its own while the next is prepared. Whatever looks at
/// what was committed, a read or a request that stands alone, waits until all before it is durable and visible.
///
/// Reads go through the same thread because there is one connection only (D3). That costs little: consumers that keep up are served from
/// memory and never come here, one that is behind asks for a megabyte at a time, and reads and group commits take turns.
final class Writer {
    private let storage: Storage
    private let folder: DataFolder
    private let queue: WriterQueue
    private let log: LogState
    private let options: EmbeddedLogOptions
    private let waiters: Waiters
    private let sync: CommitSync
    private let ahead: CheckpointAhead
    private let stopping: Stopping
    private var state: StateRow
    /// Rows of partitions as commits left them that are not visible yet.
    private var unpublished = PartitionChanges()
    private let leaderEpoch: Int32
    /// A commit failed: the write-ahead log is emptied before the next is tried.
    private var mustEmptyWriteAheadLog = false
    private var bytesSinceCheckpoint = 0
    private var isStopped: Bool { stopping.reason != nil }
    private let maintenance: Maintenance
    /// A stopped log has nothing to do but to be closed, which wakes it.
    private static let stoppedPause = 3_600_000

    init(
        _ opened: LogFile.Opened, folder: DataFolder, queue: WriterQueue, log: LogState, waiters: Waiters, sync: CommitSync, stopping: Stopping,
        options: EmbeddedLogOptions
    ) {
        storage = opened.storage
        ahead = opened.ahead
        state = opened.state
        leaderEpoch = opened.state.leaderEpoch + 1
        self.folder = folder
        self.queue = queue
        self.log = log
        self.waiters = waiters
        self.sync = sync
        self.stopping = stopping
        self.options = options
        maintenance = Maintenance(log: log, options: options)
    }

    /// Runs until the queue closes.
    func run() {
        queue.adopt()
        var afterReads = false
        while true {
            let pause = isStopped ? Writer.stoppedPause : maintenance.millisecondsToNext()
            switch queue.next(afterReads: afterReads, groupBytes: options.groupByteLimit, milliseconds: pause) {
            case .reads(let reads):
                for read in reads { serve(read) }
                afterReads = true
            case .writes(let requests):
                commit(requests)
                afterReads = false
            case .closing:
                finish()
                return
            case nil: afterReads = false
            }
            if !isStopped, let request = maintenance.nextRequest() { commit([request]) }
        }
    }

    private func serve(_ read: WriterQueue.Read) {
        waitUntilDurable()
        read(stopping.reason.map { .failure($0) } ?? .success(storage))
    }

    /// Until every commit so far is durable and visible, or the log has stopped.
    private func waitUntilDurable() {
        sync.drain()
        unpublished = PartitionChanges()
    }

    // MARK: group commit

    private func commit(_ requests: [WriteRequest]) {
        var requests = requests
        while !requests.isEmpty, !isStopped {
            do {
                if mustEmptyWriteAheadLog {
                    try settle()
                    try storage.checkpoint()
                    mustEmptyWriteAheadLog = false
                    bytesSinceCheckpoint = 0
                }
                try attempt(&requests)
            } catch let error as SQLiteError where error.code == .full {
                storage.rollBack()
                mustEmptyWriteAheadLog = true
                for request in requests { request.putBack() }
                if !waitForRoom(error) { return give(up: requests) }
            } catch {
                storage.rollBack()
                stopping.stop(error, with: requests)
            }
        }
        if let reason = stopping.reason { for request in requests { request.finish(reason) } }
    }

    /// Tries to commit what is left of a group; requests that are refused, or done, are taken out of it.
    private func attempt(_ requests: inout [WriteRequest]) throws {
        if requests.contains(where: \.isExclusive) { waitUntilDurable() } else if sync.isIdle { unpublished = PartitionChanges() }
        try storage.begin()
        let transaction = WriterTransaction(
            storage: storage, log: log, clock: options.clock, state: state, leaderEpoch: leaderEpoch, unpublished: unpublished)
        var accepted: [WriteRequest] = [], refused: [WriteRequest] = []
        for request in requests {
            guard request.take() else { continue }
            if let refusal = request.standingRefusal {
                refused.append(request)
                request.finish(refusal)
                continue
            }
            let before = transaction.changeCount
            do {
                try request.apply(transaction)
                accepted.append(request)
            } catch let error as LogError {
                // Refused before it changed anything: the others' work in this transaction stands. The refusal counts at once, for
                // those of the same session that stand behind it in this very group.
                refused.append(request)
                request.finish(error)
                if transaction.changeCount != before {
                    storage.rollBack()
                    requests.removeAll { request in refused.contains { $0 === request } }
                    for request in requests { request.putBack() }
                    return
                }
            }
        }
        guard transaction.changeCount > 0 else {
            storage.rollBack()
            requests = accepted
            // What it found there already may be of a commit that is not durable yet.
            try settle()
            requests = []
            transaction.runAfterCommit()
            for request in accepted { request.finish(nil) }
            return
        }
        requests = accepted
        try transaction.seal()
        try storage.commit()
        state = transaction.state
        try makeDurable(SealedCommit(transaction, accepted, mark: ahead.mark))
        requests = []
        if log.waitsFor != nil {
            log.waitsFor = nil
            options.logger.info("there is room again under \(folder.path): writing goes on")
        }
        bytesSinceCheckpoint += accepted.reduce(0) { $0 + $1.byteCount } + 4 * Int(LogFile.pageSize)
        if bytesSinceCheckpoint > options.walByteLimit { try moveWriteAheadLog() }
    }

    /// Nobody hears of a commit before it is durable (D17). When that fails the commit may stand, but nothing later could be vouched for.
    private func makeDurable(_ commit: SealedCommit) throws {
        // What changes more than partitions is to be seen by the very next request; and where nothing waits there is nothing to prepare meanwhile.
        if commit.transaction.hasFollowUps || !queue.hasWrites && sync.isIdle {
            try settle()
            try sync.makeDurable([commit])
        } else {
            let changes = commit.transaction.changes
            guard sync.handOver(commit) else { throw stopping.reason ?? EmbeddedLog.closedError }
            unpublished.add(changes)
        }
    }

    /// Waits until all before is durable. - Throws: where it cannot be: nothing may be built on it then, no checkpoint either, which would have the log written over.
    private func settle() throws {
        waitUntilDurable()
        if let reason = stopping.reason { throw reason }
    }

    private func moveWriteAheadLog() throws {
        try settle()
        do {
            try storage.moveWriteAheadLog()
            bytesSinceCheckpoint = 0
        } catch {
            // The group's outcome is told already: a disk that has no room for this only delays the next group.
            guard error.code == .full else { throw error }
            mustEmptyWriteAheadLog = true
        }
    }

    // MARK: a full disk

    /// Says so, serves reads for a while, and lets the commit be tried again; nothing acknowledged is touched.
    /// - Returns: false when the log is being closed.
    private func waitForRoom(_ error: SQLiteError) -> Bool {
        if log.waitsFor == nil {
            let wait = LogError(
                .retriable, "the disk under \(folder.path) is full: nothing more is written until there is room; what was acknowledged is safe",
                suggestion: "free space on the file system of the data folder")
            log.waitsFor = wait
            options.logger.error(
                wait.message, error: ConnectError(.retriable, code: "log.disk_full", error.description, suggestion: wait.suggestion))
        }
        let clock = options.clock, start = clock.monotonicNanoseconds()
        while true {
            let left = options.fullDiskRetryMilliseconds - Int((clock.monotonicNanoseconds() &- start) / 1_000_000)
            if left <= 0 || queue.isClosing { break }
            for read in queue.waitForReads(milliseconds: left) { serve(read) }
        }
        return !queue.isClosing || tryOnceMore()
    }

    private var lastTries = 0

    /// A closing log gets one more try after the wait was cut short.
    private func tryOnceMore() -> Bool {
        lastTries += 1
        return lastTries <= 1
    }

    private func give(up requests: [WriteRequest]) {
        for request in requests {
            request.finish(LogError(.fatal, "the log was closed while the disk was full: this was not written", suggestion: "free space and start again"))
        }
    }

    // MARK: the end

    private func finish() {
        waitUntilDurable()
        sync.close()
        if !isStopped {
            do {
                try storage.checkpoint()
                // From here on closing may remove the empty write-ahead log.
                try storage.database.setNoCheckpointOnClose(false)
            } catch {
                options.logger.warning("the write-ahead log of \(folder.path) could not be moved into the database at the end; the next start does it: \(error)")
            }
        }
        storage.database.close()
        ahead.close()
        folder.release()
        waiters.wakeAll()
    }
}
