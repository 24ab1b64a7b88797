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
    private let waker = Mutex<(@Sendable () -> Void)?>(nil)

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
        waker.withLock { $0 }?()
    }

    /// What else ends the wait the thread is in (a consumer's poll); `nil` when it has gone.
    package func setWaker(_ wake: (@Sendable () -> Void)?) { waker.withLock { $0 = wake } }

    private func order(_ change: (inout Orders) -> Void) {
        orders.withLock { change(&$0) }
        changes.wrappingAdd(1, ordering: .acquiringAndReleasing)
        nudge()
    }
}
