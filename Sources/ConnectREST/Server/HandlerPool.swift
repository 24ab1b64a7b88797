import ConnectRuntime
import Synchronization

/// A few plain threads that run handlers, so that no slow call holds the server's own thread. Threads are made when there is
/// work for them, never more than the limit; what is too much for the queue is refused.
final class HandlerPool: Sendable {
    typealias Work = @Sendable () -> Void

    private struct State {
        var queue: [Work] = []
        var threads = 0
        var idle = 0
        var isStopped = false
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()
    private let threadLimit: Int
    private let queueLimit: Int

    /// How long a thread waits for work before it looks again whether it should end: only a bound, nothing depends on it.
    private static let idleMilliseconds = 60_000

    init(threadLimit: Int, queueLimit: Int) {
        self.threadLimit = threadLimit
        self.queueLimit = queueLimit
    }

    /// - Returns: whether it will run; false when the queue is full or the pool stopped.
    func submit(_ work: @escaping Work) -> Bool {
        let (isAccepted, needsThread): (Bool, Bool) = state.withLock { state in
            if state.isStopped || state.queue.count >= queueLimit { return (false, false) }
            state.queue.append(work)
            let needsThread = state.queue.count > state.idle && state.threads < threadLimit
            if needsThread { state.threads += 1 }
            return (true, needsThread)
        }
        if needsThread, !startThread() {
            // Without any thread nothing would ever run what was queued.
            let isStranded = state.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            if isStranded { drainHere() }
        }
        condition.broadcast()
        return isAccepted
    }

    /// Lets running work end and starts no more.
    func stop() {
        state.withLock { $0.isStopped = true }
        condition.broadcast()
    }

    private func drainHere() {
        while let work = state.withLock({ $0.queue.isEmpty ? nil : $0.queue.removeFirst() }) { work() }
    }

    private func run() {
        while true {
            state.withLock { $0.idle += 1 }
            let next: Work?? = condition.wait(milliseconds: Self.idleMilliseconds) { () -> Work?? in
                self.state.withLock { state in
                    if !state.queue.isEmpty { return .some(.some(state.queue.removeFirst())) }
                    return state.isStopped ? .some(.none) : .none
                }
            }
            state.withLock { $0.idle -= 1 }
            switch next {
            case .some(.some(let work)): work()
            case .some(.none):
                state.withLock { $0.threads -= 1 }
                return
            case .none: continue
            }
        }
    }

    private func startThread() -> Bool {
        (try? PlainThread.start("rest") { self.run() }) != nil
    }
}
