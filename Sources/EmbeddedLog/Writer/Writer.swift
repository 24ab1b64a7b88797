internal import ConnectRuntime
internal import SQLite

/// The one thread that owns the database: it groups what waits into commits, reads for consumers between them, and moves the
/// write-ahead log into the file.
///
/// Reads go through the same thread because there is one connection only (D3). That costs little: consumers that keep up are served from
/// memory and never come here, one that is behind asks for a megabyte at a time, and reads and group commits take turns.
final class Writer {
    private let storage: Storage
    private let marker: MarkerFile
    private let folder: DataFolder
    private let queue: WriterQueue
    private let log: LogState
    private let options: EmbeddedLogOptions
    private let waiters: Waiters
    private let tail: TailBudget
    private var state: StateRow
    private let leaderEpoch: Int32
    /// A commit failed: the write-ahead log is emptied before the next is tried.
    private var mustEmptyWriteAheadLog = false
    private var bytesSinceCheckpoint = 0
    private var stopReason: LogError?
    private var isStopped: Bool { stopReason != nil }
    private let maintenance: Maintenance

    init(_ opened: LogFile.Opened, folder: DataFolder, queue: WriterQueue, log: LogState, waiters: Waiters, options: EmbeddedLogOptions) {
        storage = opened.storage
        marker = opened.marker
        state = opened.state
        leaderEpoch = opened.state.leaderEpoch + 1
        self.folder = folder
        self.queue = queue
        self.log = log
        self.waiters = waiters
        self.options = options
        tail = TailBudget(limit: options.tailByteLimit)
        maintenance = Maintenance(log: log, options: options)
    }

    /// Runs until the queue closes.
    func run() {
        queue.adopt()
        var afterReads = false
        while true {
            let pause = maintenance.millisecondsToNext()
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

    private func serve(_ read: WriterQueue.Read) { read(stopReason.map { .failure($0) } ?? .success(storage)) }

    // MARK: group commit

    private func commit(_ requests: [WriteRequest]) {
        var requests = requests
        while !requests.isEmpty, !isStopped {
            do {
                if mustEmptyWriteAheadLog {
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
                stop(error, with: requests)
            }
        }
        if let stopReason { for request in requests { request.finish(stopReason) } }
    }

    /// Tries to commit what is left of a group; requests that are refused, or done, are taken out of it.
    private func attempt(_ requests: inout [WriteRequest]) throws {
        try storage.begin()
        let transaction = WriterTransaction(storage: storage, log: log, clock: options.clock, state: state, leaderEpoch: leaderEpoch)
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
            requests = []
            transaction.runAfterCommit()
            for request in accepted { request.finish(nil) }
            return
        }
        requests = accepted
        try transaction.seal()
        try storage.commit()
        state = transaction.state
        // Before anybody hears of it (D3). When this fails the commit stands, but nothing later could be vouched for.
        try marker.write(commits: state.commits)
        let appended = transaction.publish(tail)
        requests = []
        for request in accepted { request.finish(nil) }
        waiters.wake(appended)
        if log.waitsFor != nil {
            log.waitsFor = nil
            options.logger.info("there is room again under \(folder.path): writing goes on")
        }
        bytesSinceCheckpoint += accepted.reduce(0) { $0 + $1.byteCount } + 4 * Int(LogFile.pageSize)
        if bytesSinceCheckpoint > options.walByteLimit { try moveWriteAheadLog() }
    }

    private func moveWriteAheadLog() throws {
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

    /// A failed fsync or anything else that leaves the file in doubt stops the log; it is never tried again.
    private func stop(_ error: any Error, with requests: [WriteRequest]) {
        let words = (error as? LogError)?.message ?? String(describing: error)
        let reason = LogError(
            .fatal, "the log in \(folder.path) has stopped: \(words)",
            suggestion: "check the disk, then restart the worker; what was acknowledged is checked at the next start")
        stopReason = reason
        options.logger.error(reason.message, error: reason.connectError)
        let left = queue.stop(reason)
        for request in requests + left.writes { request.finish(reason) }
        for read in left.reads { read(.failure(reason)) }
        waiters.wakeAll()
    }

    private func finish() {
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
        folder.release()
        waiters.wakeAll()
    }
}
