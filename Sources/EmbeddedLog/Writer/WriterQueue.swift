internal import ConnectRuntime
internal import Glibc
internal import Synchronization

/// What waits for the writer: writes in their order, reads beside them.
final class WriterQueue: Sendable {
    /// Gets the database, or why there is none any more.
    typealias Read = @Sendable (Result<Storage, LogError>) -> Void

    private struct State {
        var writes: [WriteRequest] = []
        var head = 0
        var reads: [Read] = []
        var isClosing = false
        /// Why nothing is taken any more.
        var refusal: LogError?
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()

    /// The threads that give outcomes, as numbers.
    private let owners = Mutex<[UInt]>([])

    /// How long somebody waits for the writer before the disk is said to be full or too slow.
    let patienceMilliseconds: Int

    init(patienceMilliseconds: Int) { self.patienceMilliseconds = patienceMilliseconds }

    /// Called by the writer, and by whoever gives outcomes beside it, on its own thread, once.
    func adopt() { owners.withLock { $0.append(UInt(pthread_self())) } }

    /// Whoever waits for the writer on a thread that gives outcomes (a listener, a ticket's observer) would wait for ever.
    func refuseOnOwnThread() throws(LogError) {
        if owners.withLock({ $0.contains(UInt(pthread_self())) }) {
            throw LogError(.invalid, "a listener of the log must not wait for the log: hand the work to another thread")
        }
    }

    enum Work {
        case reads([Read])
        case writes([WriteRequest])
        case closing
    }

    func submit(_ request: WriteRequest) throws(LogError) {
        let refusal = state.withLock { state -> LogError? in
            if let refusal = state.refusal { return refusal }
            state.writes.append(request)
            return nil
        }
        if let refusal { throw refusal }
        condition.broadcast()
    }

    func submit(_ read: @escaping Read) throws(LogError) {
        let refusal = state.withLock { state -> LogError? in
            if let refusal = state.refusal { return refusal }
            state.reads.append(read)
            return nil
        }
        if let refusal { throw refusal }
        condition.broadcast()
    }

    /// The next thing to do: reads and writes by turns, so that neither starves the other. `nil` when the time is over.
    func next(afterReads: Bool, groupBytes: Int, milliseconds: Int) -> Work? {
        condition.wait(milliseconds: milliseconds) {
            state.withLock { state -> Work? in
                let hasWrites = state.head < state.writes.count
                if !state.reads.isEmpty, !(afterReads && hasWrites) {
                    defer { state.reads = Array(state.reads.dropFirst(WriterQueue.readsAtOnce)) }
                    return .reads(Array(state.reads.prefix(WriterQueue.readsAtOnce)))
                }
                if hasWrites { return .writes(WriterQueue.takeGroup(&state, groupBytes)) }
                return state.isClosing ? .closing : nil
            }
        }
    }

    /// Reads that came while the writer waits for room on the disk.
    func waitForReads(milliseconds: Int) -> [Read] {
        condition.wait(milliseconds: milliseconds) {
            state.withLock { state -> [Read]? in
                if state.reads.isEmpty { return state.isClosing ? [] : nil }
                defer { state.reads = [] }
                return state.reads
            }
        } ?? []
    }

    private static func takeGroup(_ state: inout State, _ groupBytes: Int) -> [WriteRequest] {
        var group: [WriteRequest] = [], bytes = 0
        while state.head < state.writes.count {
            let request = state.writes[state.head]
            if !group.isEmpty, request.isExclusive || bytes + request.byteCount > groupBytes { break }
            group.append(request)
            bytes += request.byteCount
            state.head += 1
            if request.isExclusive { break }
        }
        if state.head == state.writes.count || state.head > 1024 {
            state.writes.removeFirst(state.head)
            state.head = 0
        }
        return group
    }

    var hasWrites: Bool { state.withLock { $0.head < $0.writes.count } }

    /// Why nothing is taken any more, `nil` while all is well.
    var refusal: LogError? { state.withLock { $0.refusal } }

    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Nothing new is taken; what is queued is still done, then the writer ends.
    func close(_ refusal: LogError) {
        state.withLock { state in
            state.isClosing = true
            if state.refusal == nil { state.refusal = refusal }
        }
        condition.broadcast()
    }

    /// The log is unusable: takes out all that waits, to be told so.
    func stop(_ refusal: LogError) -> (writes: [WriteRequest], reads: [Read]) {
        state.withLock { state in
            state.refusal = refusal
            defer {
                state.writes = []
                state.head = 0
                state.reads = []
            }
            return (Array(state.writes[state.head...]), state.reads)
        }
    }

    private static let readsAtOnce = 16
}
