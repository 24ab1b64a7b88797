import Foundation

/// Bodies on threads of their own, to be waited for; what any of them throws is a failure.
final class WriterThreads: @unchecked Sendable {
    // `@unchecked`: all state is behind the condition's lock.
    private let condition = NSCondition()
    private var running: Int
    private var errors: [any Error] = []

    init(_ bodies: [@Sendable () throws -> Void]) {
        running = bodies.count
        for body in bodies { Thread.detachNewThread { self.ended(Result { try body() }) } }
    }

    private func ended(_ result: Result<Void, any Error>) {
        condition.withLock {
            running -= 1
            if case .failure(let error) = result { errors.append(error) }
            condition.broadcast()
        }
    }

    /// Waits for all of them, a minute at most.
    func wait() throws {
        try condition.withLock {
            let deadline = Date(timeIntervalSinceNow: 60)
            while running > 0 { if !condition.wait(until: deadline) { throw TestFailure("a writer does not stop") } }
            if let error = errors.first { throw TestFailure("a writer's statement failed: \(error)") }
        }
    }
}
