import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// Calls into connectors that do not come back must cost those behind them nothing.
@Suite struct CallPoolTests {
    @Test func whatWaitsBehindACallThatIsGivenUpGetsAThread() async throws {
        try await onThread {
            let pool = CallPool(size: 1)
            let hasBegun = ThreadCondition(), isOver = ThreadCondition()
            let begun = Mutex(false), over = Mutex(false)
            try PlainThread.start("stuck") {
                try? pool.run("a call that hangs", milliseconds: 300) {
                    begun.withLock { $0 = true }
                    hasBegun.broadcast()
                    let _: Bool? = isOver.wait(milliseconds: 60_000) { over.withLock { $0 } ? true : nil }
                }
            }
            let isStuck: Bool? = hasBegun.wait(milliseconds: 20_000) { begun.withLock { $0 } ? true : nil }
            #expect(isStuck == true)
            // Queued before the thread is given up: nobody calls after it who could have another one started.
            #expect(try pool.run("the next call", milliseconds: 10_000) { 7 } == 7)
            #expect(pool.stuck == ["a call that hangs"])
            over.withLock { $0 = true }
            isOver.broadcast()
            #expect(eventually { pool.stuck.isEmpty })
        }
    }
}
