import Synchronization

/// A task's thread as others see it: give it orders, ask what it does, wait for its end. Thread-safe.
package final class TaskHandle: Sendable {
    package let specification: TaskSpecification
    package let mailbox: TaskMailbox
    package let monitor: TaskMonitor
    package let metrics = TaskMetrics()

    /// Hears of each new state, on the task's thread; not any more once the task was abandoned.
    package typealias Listener = @Sendable (_ handle: TaskHandle, _ state: Status.State, _ error: ConnectError?) -> Void
    /// Hears of each topic that the task reads or writes, for every batch anew; on the task's thread, not any more once it was abandoned.
    package typealias TopicListener = @Sendable (_ topic: Name) -> Void

    private struct Life {
        /// `nil` until the thread has said one.
        var state: Status.State?
        var hasEnded = false
        var isAbandoned = false
    }
    private let life = Mutex(Life())
    private let ended = ThreadCondition()
    private let topicListener: TopicListener?
    private let listener: Listener

    /// - Parameter topicListener: `nil` where nobody wants to know.
    package init(_ specification: TaskSpecification, clock: any WorkerClock, topicListener: TopicListener? = nil, listener: @escaping Listener) {
        self.specification = specification
        mailbox = TaskMailbox(paused: specification.paused)
        monitor = TaskMonitor(clock: clock)
        self.topicListener = topicListener
        self.listener = listener
    }

    /// Starts the thread. Afterwards everything is said through the listener.
    package func start(_ parts: WorkerParts) throws(ConnectError) {
        let name = "\(specification.connector)-\(specification.task)"
        try PlainThread.start(name) { [self] in
            TaskLoop(handle: self, parts: parts).run()
            finish()
        }
    }

    package var state: Status.State { life.withLock { $0.state ?? .unassigned } }
    package var hasEnded: Bool { life.withLock { $0.hasEnded } }
    package var isAbandoned: Bool { life.withLock { $0.isAbandoned } }

    /// Said by the task's thread.
    func report(_ state: Status.State, error: ConnectError? = nil) {
        let isNew = life.withLock { life in
            if life.isAbandoned || (life.state == state && error == nil) { return false }
            life.state = state
            return true
        }
        if isNew { listener(self, state, error) }
    }

    /// Said by the task's thread while a start that failed waits for its next try: until one succeeds nobody has heard of the task, or only what became of its last run.
    func reportUnstarted() {
        if life.withLock({ $0.state == nil }) { report(mailbox.read().paused ? .paused : .unassigned) }
    }

    /// Said by the task's thread: it has read from a topic, or what it wrote there is durable.
    func use(_ topic: Name) {
        if let topicListener, !isAbandoned { topicListener(topic) }
    }

    /// Waits for the thread's end, at most so long.
    package func waitForEnd(milliseconds: Int) -> Bool {
        ended.wait(milliseconds: milliseconds) { self.hasEnded ? true : nil } ?? false
    }

    /// Gives the thread up: what it says from now on is ignored. A sink's partitions are free at once; the log session is fenced when the
    /// next one of its id opens.
    package func abandon() {
        life.withLock { $0.isAbandoned = true }
        mailbox.abandon()
    }

    private func finish() {
        monitor.enter(.ended)
        monitor.setNote(nil)
        life.withLock { $0.hasEnded = true }
        ended.broadcast()
    }
}
