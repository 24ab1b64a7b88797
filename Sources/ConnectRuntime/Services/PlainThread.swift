import CLinux
import Glibc

/// Starts plain threads: tasks and connector calls block in C libraries, so they never run on Swift's shared pool (D2).
public enum PlainThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Runs `body` on a new detached thread.
    /// - Parameters:
    ///   - name: what `top -H` shows; cut to 15 bytes.
    ///   - stackBytes: the default suits tasks. JSON nests 512 deep at most; every recursion here fits many times. Only touched pages cost memory.
    /// - Throws: ``ConnectError`` of kind `.retriable` when the system has no thread to give.
    public static func start(_ name: String, stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) throws(ConnectError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)
        let argument = Unmanaged.passRetained(Body(String(decoding: Array(name.utf8.prefix(15)), as: UTF8.self), body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                // A thread names itself: whoever started a detached thread must not use its handle, it may have ended already.
                connectd_name_this_thread(body.name)
                body.run()
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw ConnectError(
                .retriable, code: "system.no_thread", "the system gave no thread for \(name) (error \(code))",
                suggestion: "raise the limit of processes (ulimit -u) or run fewer tasks")
        }
    }
}
