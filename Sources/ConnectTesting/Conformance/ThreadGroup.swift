internal import ConnectRuntime
internal import Synchronization

/// Runs bodies on plain threads and waits for them all, for cases in which several act at once.
final class ThreadGroup: Sendable {
    private struct State {
        var running = 0
        var error: (any Error)?
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()

    func start(_ body: @escaping @Sendable () throws -> Void) throws {
        state.withLock { $0.running += 1 }
        try PlainThread.start("conformance") { [self] in
            var failure: (any Error)?
            do { try body() } catch { failure = error }
            let found = failure.map { ConnectError($0) }
            state.withLock { state in
                state.running -= 1
                if state.error == nil { state.error = found }
            }
            condition.broadcast()
        }
    }

    func join(milliseconds: Int) throws {
        let isOver: Bool? = condition.wait(milliseconds: milliseconds) { state.withLock { $0.running == 0 ? true : nil } }
        if let error = state.withLock({ $0.error }) { throw error }
        try expect(isOver == true, "threads of the case did not end within \(milliseconds / 1000) s")
    }
}
