import Synchronization

/// The outcome of a commit, some time later: resolved exactly once, by the engine, from any thread.
public final class CommitTicket: Sendable {
    /// What the commit came to.
    public enum Outcome: Sendable {
        /// On disk (or acknowledged by all replicas). Holds the first offset each partition's records got.
        case durable([TopicPartition: Int64])
        case failed(LogError)
    }

    private struct State {
        var outcome: Outcome?
        var observers: [@Sendable (Outcome) -> Void] = []
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()

    public init() {}

    public convenience init(resolved outcome: Outcome) {
        self.init()
        resolve(outcome)
    }

    /// Called by the engine, once; a second call is ignored.
    public func resolve(_ outcome: Outcome) {
        let observers: [@Sendable (Outcome) -> Void]? = state.withLock { state in
            if state.outcome != nil { return nil }
            state.outcome = outcome
            defer { state.observers = [] }
            return state.observers
        }
        guard let observers else { return }
        condition.broadcast()
        for observer in observers { observer(outcome) }
    }

    /// The outcome if it is known already.
    public var outcome: Outcome? { state.withLock { $0.outcome } }

    /// Calls `observer` once, on the engine's thread or, when already resolved, at once on this one. It must not block.
    public func whenResolved(_ observer: @escaping @Sendable (Outcome) -> Void) {
        let known: Outcome? = state.withLock { state in
            if state.outcome == nil { state.observers.append(observer) }
            return state.outcome
        }
        if let known { observer(known) }
    }

    /// Blocks the calling thread until the outcome is known or the time is over (`nil`).
    public func wait(milliseconds: Int) -> Outcome? {
        condition.wait(milliseconds: milliseconds) { self.outcome }
    }
}
