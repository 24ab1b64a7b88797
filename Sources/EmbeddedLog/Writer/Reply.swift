internal import ConnectRuntime
internal import Synchronization

/// An answer one thread waits for and the writer gives.
final class Reply<Answer: Sendable>: Sendable {
    private let answer = Mutex<Result<Answer, LogError>?>(nil)
    private let condition = ThreadCondition()

    func give(_ result: Result<Answer, LogError>) {
        answer.withLock { if $0 == nil { $0 = result } }
        condition.broadcast()
    }

    /// `nil` when the time is over.
    func wait(milliseconds: Int) -> Result<Answer, LogError>? {
        condition.wait(milliseconds: milliseconds) { answer.withLock { $0 } }
    }
}

/// A place for what a request finds out while it is applied; only the writer's thread writes, and the caller reads after the outcome.
final class Slot<Content: Sendable>: Sendable {
    private let content: Mutex<Content>
    init(_ content: Content) { self.content = Mutex(content) }
    var value: Content {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
}
