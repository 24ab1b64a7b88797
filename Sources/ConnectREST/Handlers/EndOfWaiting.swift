import Synchronization

/// Set once, when the server ends: whoever waits looks at it between short waits.
final class EndOfWaiting: Sendable {
    private let isOver = Mutex(false)
    func set() { isOver.withLock { $0 = true } }
    var isSet: Bool { isOver.withLock { $0 } }
}
