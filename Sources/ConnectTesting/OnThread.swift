internal import ConnectRuntime

/// Runs a body that blocks on a thread of its own, so that the small pool tests run on stays free.
public func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try PlainThread.start("test", stackBytes: 8 << 20) { continuation.resume(with: Result { try body() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
