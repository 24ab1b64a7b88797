import Synchronization

/// Work done one piece at a time, in order, on a thread that lives only while there is some.
package final class SerialLane: Sendable {
    private struct State {
        var queue: [@Sendable () -> Void] = []
        var isRunning = false
    }
    private let state = Mutex(State())
    private let name: String

    package init(_ name: String) { self.name = name }

    package var isIdle: Bool { state.withLock { !$0.isRunning && $0.queue.isEmpty } }

    /// Adds work behind what waits already.
    package func async(_ work: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            state.queue.append(work)
            if state.isRunning { return false }
            state.isRunning = true
            return true
        }
        guard starts else { return }
        do {
            try PlainThread.start(name) { [self] in drain() }
        } catch {
            // Without a thread to give, the caller's own does it: later, but not never.
            drain()
        }
    }

    /// Adds work and waits for its result, at most so long.
    /// - Returns: `nil` when the time is over; the work is done all the same.
    package func sync<R: Sendable>(milliseconds: Int, _ work: @escaping @Sendable () -> R) -> R? {
        let result = Mailbox<R>()
        async { result.put(work()) }
        return result.take(milliseconds: milliseconds)
    }

    private func drain() {
        while true {
            let next: (@Sendable () -> Void)? = state.withLock { state in
                if state.queue.isEmpty {
                    state.isRunning = false
                    return nil
                }
                return state.queue.removeFirst()
            }
            guard let next else { return }
            next()
        }
    }

    private final class Mailbox<R: Sendable>: Sendable {
        private let value = Mutex<R?>(nil)
        private let condition = ThreadCondition()
        func put(_ result: R) {
            value.withLock { $0 = result }
            condition.broadcast()
        }
        func take(milliseconds: Int) -> R? { condition.wait(milliseconds: milliseconds) { value.withLock { $0 } } }
    }
}
