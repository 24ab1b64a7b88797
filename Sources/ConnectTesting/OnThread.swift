import Dispatch

/// Runs a body that blocks on a thread of its own and waits for it without holding a thread of the test runner's small pool.
public func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        let queue = DispatchQueue(label: "connectd.testing.onThread")
        queue.async { continuation.resume(with: Result { try body() }) }
    }
}
