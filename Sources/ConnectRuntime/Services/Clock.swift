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

extension WorkerClock {
    /// The monotonic time so many milliseconds from now. More than the clock will ever count, which is what people write who mean
    /// "never", is its far end; less than none is now.
    public func monotonicNanoseconds(after milliseconds: Int) -> UInt64 {
        let (end, isTooFar) = monotonicNanoseconds().addingReportingOverflow(UInt64(nanosecondsIn: milliseconds))
        return isTooFar ? .max : end
    }
}

extension UInt64 {
    /// How many nanoseconds so many milliseconds have, for numbers that come from configurations: none for those below zero, and at most 292 years.
    public init(nanosecondsIn milliseconds: Int) {
        let (product, isTooMuch) = Int64(Swift.max(0, milliseconds)).multipliedReportingOverflow(by: 1_000_000)
        self = UInt64(isTooMuch ? Int64.max : product)
    }
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
