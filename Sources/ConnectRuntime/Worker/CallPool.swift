import Synchronization

/// A few threads for calls into connectors, each with a deadline. A call that overstays is abandoned with its thread and another thread takes
/// its place, sixteen times at most; then calls are refused with words (D2).
package final class CallPool: Sendable {
    package static let mostAbandoned = 16

    private final class Job: Sendable {
        enum Phase { case waiting, running, done, abandoned }
        let what: String
        let body: @Sendable () -> Void
        let phase = Mutex(Phase.waiting)
        let condition = ThreadCondition()
        init(_ what: String, _ body: @escaping @Sendable () -> Void) {
            self.what = what
            self.body = body
        }
    }

    private struct State {
        var queue: [Job] = []
        var threads = 0
        var idle = 0
        var stuck: [ObjectIdentifier: String] = [:]
    }
    private let state = Mutex(State())
    private let work = ThreadCondition()
    private let size: Int

    package init(size: Int = 4) { self.size = size }

    /// What abandoned threads are stuck in.
    package var stuck: [String] { state.withLock { $0.stuck.values.sorted() } }

    /// Runs `body` on a thread of the pool and waits for it.
    /// - Throws: what `body` throws; ``ConnectError`` `.retriable` (`worker.call_timeout`) when the time is over, or when too many calls are stuck.
    package func run<R: Sendable>(_ what: String, milliseconds: Int, _ body: @escaping @Sendable () throws -> R) throws -> R {
        let box = ResultBox<R>()
        let job = Job(what) { box.set(Result { try body() }) }
        try state.withLock { state in
            if state.stuck.count >= Self.mostAbandoned {
                throw ConnectError(
                    .retriable, code: "worker.too_many_stuck",
                    "\(what) is refused: \(state.stuck.count) calls of connectors do not come back (\(state.stuck.values.sorted().prefix(3).joined(separator: "; ")), …)",
                    suggestion: "restart the worker; then find out what those connectors wait for")
            }
            state.queue.append(job)
        }
        try startThreadWhereNeeded()
        work.broadcast()
        let finished: Bool? = job.condition.wait(milliseconds: milliseconds) { job.phase.withLock { $0 == .done } ? true : nil }
        if finished == nil, abandon(job) {
            throw ConnectError(
                .retriable, code: "worker.call_timeout", "\(what) did not come back within \(TaskLoop.seconds(milliseconds))",
                suggestion: "look at what the connector's system is doing; the call was given up")
        }
        guard let outcome = box.get() else {
            throw ConnectError(.fatal, code: "worker.call_lost", "\(what) ended without a result")
        }
        return try outcome.get()
    }

    private final class ResultBox<R: Sendable>: Sendable {
        private let value = Mutex<Result<R, any Error>?>(nil)
        func set(_ result: Result<R, any Error>) { value.withLock { $0 = result } }
        func get() -> Result<R, any Error>? { value.withLock { $0 } }
    }

    /// - Returns: false when it finished in the very last moment.
    private func abandon(_ job: Job) -> Bool {
        // In one piece: a call that comes back just now must find itself among the stuck ones to take itself out again.
        let before: Job.Phase = state.withLock { state in
            let before: Job.Phase = job.phase.withLock { phase in
                let before = phase
                if before != .done { phase = .abandoned }
                return before
            }
            switch before {
            case .running: state.stuck[ObjectIdentifier(job)] = job.what
            case .waiting: state.queue.removeAll { $0 === job }
            case .done, .abandoned: break
            }
            return before
        }
        // What waits behind it needs another thread, and nobody may come who would start one.
        if before == .running { try? startThreadWhereNeeded() }
        return before != .done
    }

    private func startThreadWhereNeeded() throws {
        let isNeeded = state.withLock { state in
            guard state.idle < state.queue.count, state.threads - state.stuck.count < size else { return false }
            state.threads += 1
            return true
        }
        guard isNeeded else { return }
        do {
            try PlainThread.start("connector-call") { [self] in serve() }
        } catch {
            state.withLock { $0.threads -= 1 }
            if state.withLock({ $0.threads == 0 }) { throw error }
        }
    }

    private func serve() {
        while true {
            state.withLock { $0.idle += 1 }
            let job: Job? = work.wait(milliseconds: Self.idleMilliseconds) { state.withLock { $0.queue.isEmpty ? nil : $0.queue.removeFirst() } }
            state.withLock { $0.idle -= 1 }
            guard let job else {
                // Nothing to do for a while: the next call starts a thread again.
                let ends = state.withLock { state in
                    if !state.queue.isEmpty { return false }
                    state.threads -= 1
                    return true
                }
                if ends { return }
                continue
            }
            let starts = job.phase.withLock { phase in
                if phase != .waiting { return false }
                phase = .running
                return true
            }
            guard starts else { continue }
            job.body()
            let wasAbandoned = job.phase.withLock { phase in
                if phase == .abandoned { return true }
                phase = .done
                return false
            }
            if wasAbandoned {
                state.withLock { state in
                    state.stuck[ObjectIdentifier(job)] = nil
                    state.threads -= 1
                }
                return
            }
            job.condition.broadcast()
        }
    }

    private static let idleMilliseconds = 5_000
}
