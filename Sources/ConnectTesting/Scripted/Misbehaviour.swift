public import ConnectRuntime
internal import Synchronization

/// What scripted connectors do wrong, on demand: fail or block in the n-th call of a method. Thread-safe, shared by test and connector.
public final class Misbehaviour: Sendable {
    public enum Action: Sendable {
        case fail(ConnectError)
        /// Stays in the call until ``release()``, whoever asks it to stop.
        case block
    }
    private struct Key: Hashable {
        let call: String
        let number: Int
    }
    private struct State {
        var plan: [Key: Action] = [:]
        var always: [String: Action] = [:]
        var counts: [String: Int] = [:]
        var isReleased = false
        var blocked = 0
    }
    private let state = Mutex(State())
    private let released = ThreadCondition()

    public init() {}

    /// - Parameters:
    ///   - call: the method's name, e.g. `poll`.
    ///   - number: which call of it, from 1, over all tasks and restarts.
    public func plan(_ call: String, _ number: Int, _ action: Action) { state.withLock { $0.plan[Key(call: call, number: number)] = action } }
    /// For every call that has no plan of its own; `nil` ends it.
    public func always(_ call: String, _ action: Action?) { state.withLock { $0.always[call] = action } }

    /// Lets blocked calls go on, and later ones through.
    public func release() {
        state.withLock { $0.isReleased = true }
        released.broadcast()
    }

    /// Calls that are blocked just now.
    public var blocked: Int { state.withLock { $0.blocked } }
    public func count(_ call: String) -> Int { state.withLock { $0.counts[call] ?? 0 } }

    /// Said by the connector at the start of a method.
    public func enter(_ call: String) throws {
        let action: Action? = state.withLock { state in
            let number = (state.counts[call] ?? 0) + 1
            state.counts[call] = number
            return state.plan[Key(call: call, number: number)] ?? state.always[call]
        }
        switch action {
        case nil: return
        case .fail(let error): throw error
        case .block:
            state.withLock { $0.blocked += 1 }
            // A day is for ever in a test; the bound is here because nothing waits without one.
            let _: Bool? = released.wait(milliseconds: 86_400_000) { state.withLock { $0.isReleased } ? true : nil }
            state.withLock { $0.blocked -= 1 }
        }
    }
}
