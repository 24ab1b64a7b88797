import CLinux
import Glibc

/// Runs a body that blocks on a thread of its own, so that the small pool tests run on stays free.
public func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        let box = Unmanaged.passRetained(Body { continuation.resume(with: Result { try body() }) }).toOpaque()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 8 << 20)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, box)
        pthread_attr_destroy(&attributes)
        if code != 0 {
            Unmanaged<Body>.fromOpaque(box).release()
            continuation.resume(throwing: ThreadError(code: code))
        }
    }
}

/// A thread could not be made.
public struct ThreadError: Error, Sendable {
    public let code: Int32
}

private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
