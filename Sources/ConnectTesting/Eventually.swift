internal import ConnectRuntime

/// Waits for a fact, looking every few milliseconds, at most so long: tests wait for what happens, never for time.
/// - Returns: whether it came true.
public func eventually(milliseconds: Int = 20_000, _ fact: () -> Bool) -> Bool {
    let clock = SystemClock(), pause = WakeUp()
    let end = clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
    while true {
        if fact() { return true }
        if clock.monotonicNanoseconds() >= end { return fact() }
        _ = pause.wait(milliseconds: 3)
    }
}
