internal import ConnectRuntime
internal import Glibc
internal import Synchronization

/// Runs a body that blocks on a thread of its own, so that the small pool tests run on stays free.
///
/// A body that does not end fails its test by name, where it would hang the whole run without a word; its thread is abandoned.
/// - Parameter minutes: far beyond what any test takes on a slow machine, and well within what a run of all tests is given.
public func onThread<R: Sendable>(minutes: Int = 8, _ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
        let once = Once(continuation)
        do {
            try PlainThread.start("test-watch") { once.watch(minutes) }
            // A task, so that what fails is told of the test it belongs to.
            Task(executorPreference: OwnThread()) { once.resume(Result { try body() }) }
        } catch {
            once.resume(.failure(error))
        }
    }
}

/// Runs each job of a task on a thread of its own.
private final class OwnThread: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        do {
            try PlainThread.start("test", stackBytes: 8 << 20) { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        } catch {
            // Without a thread to be had it blocks the pool's: better than not at all.
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// A continuation that is resumed by whoever comes first.
private final class Once<R: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<R, any Error>?>
    private let condition = ThreadCondition()

    init(_ continuation: CheckedContinuation<R, any Error>) { self.continuation = Mutex(continuation) }

    func resume(_ result: sending Result<R, any Error>) {
        let continuation = continuation.withLock { $0.take() }
        condition.broadcast()
        continuation?.resume(with: result)
    }

    func watch(_ minutes: Int) {
        let ended: Void? = condition.wait(milliseconds: minutes * 60_000) { continuation.withLock { $0 == nil } ? () : nil }
        if ended != nil { return }
        ThreadStacks.print()
        resume(.failure(ChildProcessProblem("the test's thread has not ended after \(minutes) min: it is abandoned (its stack, where gdb is installed, is above)")))
    }
}

/// Where all threads of this process stand, for whoever wonders what a test waits for.
private enum ThreadStacks {
    /// Writes them to standard error, where gdb is installed and may look.
    static func print() {
        guard let folder = try? TemporaryFolder() else { return }
        let output = folder.file("stacks")
        _ = try? ChildProcess.run(
            ["gdb", "--pid=\(getpid())", "--batch", "--nx", "-ex", "thread apply all backtrace 25"], outputPath: output, seconds: 60)
        guard let file = fopen(output, "r") else { return }
        var line: UnsafeMutablePointer<CChar>?, capacity = 0
        defer {
            fclose(file)
            free(line)
        }
        while getline(&line, &capacity, file) > 0 {
            guard let line, line[0] == Int8(UInt8(ascii: "#")) || strncmp(line, "Thread", 6) == 0 else { continue }
            write(STDERR_FILENO, line, strlen(line))
        }
    }
}
