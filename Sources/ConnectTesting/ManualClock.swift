public import ConnectRuntime
internal import Synchronization

/// A clock that a test moves: nothing sleeps, and whatever waits wakes when its time has come.
public final class ManualClock: WorkerClock {
    private struct State {
        var nanoseconds: UInt64 = 1_000_000_000
        var wall: Int64
        var sleepers = 0
    }
    private let state: Mutex<State>
    private let moved = ThreadCondition()

    /// - Parameter wallMilliseconds: what the wall clock shows at first.
    public init(wallMilliseconds: Int64 = 1_700_000_000_000) { state = Mutex(State(wall: wallMilliseconds)) }

    public func monotonicNanoseconds() -> UInt64 { state.withLock { $0.nanoseconds } }
    public func wallMilliseconds() -> Int64 { state.withLock { $0.wall } }

    public func sleep(milliseconds: Int, wake: WakeUp) -> Bool {
        let end = state.withLock { state in
            state.sleepers += 1
            return state.nanoseconds &+ UInt64(max(0, milliseconds)) * 1_000_000
        }
        defer { state.withLock { $0.sleepers -= 1 } }
        // The wake-up is a descriptor, the clock is not: looked at in turn, in real time.
        while true {
            if wake.isSet { return true }
            let passed: Bool? = moved.wait(milliseconds: 2) { state.withLock { $0.nanoseconds >= end } ? true : nil }
            if passed != nil { return false }
        }
    }

    /// Moves both clocks forward.
    public func advance(milliseconds: Int) {
        state.withLock { state in
            state.nanoseconds &+= UInt64(max(0, milliseconds)) * 1_000_000
            state.wall += Int64(milliseconds)
        }
        moved.broadcast()
    }

    /// How many threads wait for the clock just now.
    public var sleepers: Int { state.withLock { $0.sleepers } }
}
