internal import ConnectRuntime
internal import Synchronization

/// Something that wants to be written: a session's transaction, a group's offsets, a new topic.
///
/// `apply` runs on the writer's thread inside a database transaction and may run again when that one had to be rolled back. It checks
/// everything first and throws ``LogError`` before it changed anything: so one session's refusal never undoes another's work in the
/// same group commit. `finish` is called once, on the writer's thread or ``CommitSync``'s, when the outcome is certain.
final class WriteRequest: Sendable {
    typealias Apply = @Sendable (WriterTransaction) throws -> Void
    let byteCount: Int
    /// Stands alone in its commit, because it looks at or changes what others in a group would not see yet.
    let isExclusive: Bool
    private let session: ProducerSession?
    private let generation: Int
    let apply: Apply
    private let finishBody: @Sendable (LogError?) -> Void

    private enum Phase { case queued, inFlight, over }
    private let phase = Mutex(Phase.queued)

    init(
        byteCount: Int = 0, isExclusive: Bool = false, session: ProducerSession? = nil, generation: Int = 0, apply: @escaping Apply,
        finish: @escaping @Sendable (LogError?) -> Void
    ) {
        self.byteCount = byteCount
        self.isExclusive = isExclusive
        self.session = session
        self.generation = generation
        self.apply = apply
        finishBody = finish
    }

    /// The writer takes it up, again perhaps; false when its caller gave up meanwhile.
    func take() -> Bool {
        phase.withLock { phase in
            if phase == .over { return false }
            phase = .inFlight
            return true
        }
    }

    /// Nothing of it is in the database any more: it will be taken up again.
    func putBack() { phase.withLock { if $0 == .inFlight { $0 = .queued } } }

    /// Its caller gives up. - Returns: false when the writer is at it, so that the outcome must be waited for.
    func cancel() -> Bool {
        phase.withLock { phase in
            guard phase == .queued else { return false }
            phase = .over
            return true
        }
    }

    /// Why it must not be tried: its session failed before.
    var standingRefusal: LogError? { session?.refusal(generation) }

    func finish(_ error: LogError?) {
        let isFirst = phase.withLock { phase in
            defer { phase = .over }
            return phase != .over
        }
        guard isFirst else { return }
        if let error { session?.fail(generation, error) }
        finishBody(error)
    }
}

/// What a session and the writer both know of it.
final class ProducerSession: Sendable {
    let name: Name
    let epoch: Int64

    private struct State {
        /// Counts up with every acknowledged failure; requests of an older count fail.
        var generation = 0
        var failure: LogError?
        var bytesInFlight = 0
    }
    private let state = Mutex(State())
    let condition = ThreadCondition()

    init(name: Name, epoch: Int64) {
        self.name = name
        self.epoch = epoch
    }

    var generation: Int { state.withLock { $0.generation } }
    var failure: LogError? { state.withLock { $0.failure } }

    /// The owner has heard of the failure: what it does from here on is new work.
    func acknowledgeFailure() {
        state.withLock { state in
            guard let failure = state.failure, failure.kind != .fenced, failure.kind != .fatal else { return }
            state.generation += 1
            state.failure = nil
        }
    }

    func refusal(_ generation: Int) -> LogError? {
        state.withLock { state in
            if generation < state.generation {
                return LogError(.abortable, "a transaction of \(name) before this one failed, so this one was not written either")
            }
            guard let failure = state.failure else { return nil }
            return failure.kind == .fenced || failure.kind == .fatal
                ? failure : LogError(.abortable, "a transaction of \(name) before this one failed: \(failure.message)")
        }
    }

    func fail(_ generation: Int, _ error: LogError) {
        state.withLock { state in
            if generation == state.generation, state.failure == nil { state.failure = error }
        }
        condition.broadcast()
    }

    var bytesInFlight: Int { state.withLock { $0.bytesInFlight } }
    func addInFlight(_ bytes: Int) {
        state.withLock { $0.bytesInFlight += bytes }
        if bytes < 0 { condition.broadcast() }
    }
}
