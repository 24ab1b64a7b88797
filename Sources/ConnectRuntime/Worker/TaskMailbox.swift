import Synchronization

/// What others want of a task's thread. Any thread writes, the task's reads between two calls of the plugin.
package final class TaskMailbox: Sendable {
    package struct Orders: Sendable, Hashable {
        package var stop = false
        package var paused = false
    }

    /// Set whenever an order came; whatever waits in the task watches it.
    package let wakeUp = WakeUp()
    private let orders: Mutex<Orders>
    private let changes = Atomic<Int>(0)
    private struct Hooks {
        var wake: (@Sendable () -> Void)?
        var release: (@Sendable () -> Void)?
        var isAbandoned = false
    }
    private let hooks = Mutex(Hooks())

    package init(paused: Bool) { orders = Mutex(Orders(stop: false, paused: paused)) }

    /// Counts the orders; cheap enough to look at before every batch.
    package var version: Int { changes.load(ordering: .acquiring) }

    /// Reads the orders and clears the wake-up that announced them.
    package func read() -> Orders {
        wakeUp.clear()
        return orders.withLock { $0 }
    }

    package func requestStop() { order { $0.stop = true } }

    package func setPaused(_ paused: Bool) {
        order { $0.paused = paused }
    }

    /// Has the thread look up from its wait without a new order.
    package func nudge() {
        wakeUp.set()
        hooks.withLock { $0.wake }?()
    }

    /// What else ends the wait the thread is in (a consumer's poll); `nil` when it has gone.
    /// - Parameter release: called once from another thread when the task's thread is given up: frees what its next run needs. Called at once
    ///   where that has happened already.
    package func setWaker(_ wake: (@Sendable () -> Void)?, release: (@Sendable () -> Void)? = nil) {
        let isAbandoned = hooks.withLock { hooks in
            hooks.wake = wake
            hooks.release = hooks.isAbandoned ? nil : release
            return hooks.isAbandoned
        }
        if isAbandoned { release?() }
    }

    /// The thread is given up: frees what it holds.
    func abandon() {
        let release = hooks.withLock { hooks in
            defer { hooks.release = nil }
            hooks.isAbandoned = true
            return hooks.release
        }
        release?()
    }

    private func order(_ change: (inout Orders) -> Void) {
        orders.withLock { change(&$0) }
        changes.wrappingAdd(1, ordering: .acquiringAndReleasing)
        nudge()
    }
}
