import Glibc

/// Time for everything that waits, backs off or expires: the real one in a worker, a manual one in tests.
public protocol WorkerClock: Sendable {
    /// Nanoseconds on a clock that never jumps; its zero means nothing.
    func monotonicNanoseconds() -> UInt64
    /// Milliseconds since 1970.
    func wallMilliseconds() -> Int64
    /// Blocks the thread for so long at most, or until `wake` is set.
    /// - Returns: whether it was woken.
    func sleep(milliseconds: Int, wake: WakeUp) -> Bool
}

/// The machine's clocks.
public struct SystemClock: WorkerClock {
    public init() {}

    public func monotonicNanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    public func wallMilliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    public func sleep(milliseconds: Int, wake: WakeUp) -> Bool { wake.wait(milliseconds: milliseconds) }
}
