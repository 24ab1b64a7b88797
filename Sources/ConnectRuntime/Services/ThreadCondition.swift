import Glibc
import Synchronization

/// A condition variable for plain threads, on the monotonic clock: tasks are threads here (D2), and nothing may wait for ever.
///
/// The state it guards lives elsewhere, under its own `Mutex`: change it first, then ``broadcast()``.
/// `@unchecked Sendable`: the two pthread objects are made once, never moved, and are themselves thread-safe.
public final class ThreadCondition: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    public init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Wakes every waiter, which looks at the state again.
    public func broadcast() {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits until `look` gives something, at most so long; `nil` when the time is over.
    /// `look` runs with the condition's lock held: it may take the state's own lock, never wait or broadcast.
    public func wait<R>(milliseconds: Int, until look: () -> R?) -> R? {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let bounded = max(0, min(milliseconds, 86_400_000))
        deadline.tv_sec += bounded / 1000
        deadline.tv_nsec += (bounded % 1000) * 1_000_000
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_sec += 1
            deadline.tv_nsec -= 1_000_000_000
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let found = look() { return found }
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { return look() }
        }
    }
}
