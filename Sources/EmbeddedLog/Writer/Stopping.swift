internal import ConnectRuntime
internal import Synchronization

/// Stops the log for good: a failed fsync, or anything else that leaves the file in doubt, is never tried again (D3).
/// Called by the writer and by ``CommitSync``, each on its own thread.
final class Stopping: Sendable {
    private let folder: DataFolder
    private let queue: WriterQueue
    private let waiters: Waiters
    private let logger: Logger
    private let stored = Mutex<LogError?>(nil)

    init(folder: DataFolder, queue: WriterQueue, waiters: Waiters, logger: Logger) {
        self.folder = folder
        self.queue = queue
        self.waiters = waiters
        self.logger = logger
    }

    /// Why the log has stopped, `nil` while all is well.
    var reason: LogError? { stored.withLock { $0 } }

    /// Tells everybody who waits. The first reason is the one that stays.
    func stop(_ error: any Error, with requests: [WriteRequest]) {
        let words = (error as? LogError)?.message ?? String(describing: error)
        let new = LogError(
            .fatal, "the log in \(folder.path) has stopped: \(words)",
            suggestion: "check the disk, then restart the worker; what was acknowledged is checked at the next start")
        let (reason, isFirst) = stored.withLock { stored in
            defer { stored = stored ?? new }
            return (stored ?? new, stored == nil)
        }
        for request in requests { request.finish(reason) }
        if !isFirst { return }
        logger.error(reason.message, error: reason.connectError)
        let left = queue.stop(reason)
        for request in left.writes { request.finish(reason) }
        for read in left.reads { read(.failure(reason)) }
        waiters.wakeAll()
    }
}
