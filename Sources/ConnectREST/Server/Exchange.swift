import ConnectRuntime
import Synchronization

/// One request on its way: what was received so far, then its answer. Kept alive by the C library's per-request pointer.
final class Exchange: Sendable {
    enum Phase { case new, receiving, tooLarge, running, answered, queued }

    struct State {
        var phase = Phase.new
        var method = ""
        var headers = Headers()
        var body: [UInt8] = []
        var response: Response?
    }

    /// As it stood in the request line.
    let rawTarget: String
    let state = Mutex(State())

    init(rawTarget: String) { self.rawTarget = rawTarget }

    /// Keeps the answer unless there is one already.
    /// - Returns: whether it was the first, so that the connection must be resumed.
    func answer(_ response: Response) -> Bool {
        state.withLock { state in
            guard state.phase == .running else { return false }
            state.phase = .answered
            state.response = response
            return true
        }
    }
}
