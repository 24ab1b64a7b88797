import Synchronization

/// What a task's thread is doing, for status: written by that thread, read by anybody.
package final class TaskMonitor: Sendable {
    /// Where the thread is. Plugin calls are told apart because only they may hang.
    package enum Activity: UInt8, Sendable {
        case starting, idle, opening, polling, converting, putting, committing, backingOff, closing, stopping, ended

        package var words: String {
            switch self {
            case .starting: "start"
            case .idle: "waiting"
            case .opening: "open"
            case .polling: "poll"
            case .converting: "transforms and converters"
            case .putting: "put"
            case .committing: "commit"
            case .backingOff: "back-off"
            case .closing: "close"
            case .stopping: "stop"
            case .ended: "ended"
            }
        }

        /// A call that ought to return soon.
        var isPluginCall: Bool {
            switch self {
            case .starting, .opening, .polling, .putting, .committing, .closing, .stopping: true
            case .idle, .converting, .backingOff, .ended: false
            }
        }
    }

    private let activity = Atomic<UInt8>(Activity.starting.rawValue)
    private let since: Atomic<UInt64>
    private let noteText = Mutex<String?>(nil)
    private let clock: any WorkerClock

    package init(clock: any WorkerClock) {
        self.clock = clock
        since = Atomic(clock.monotonicNanoseconds())
    }

    package func enter(_ next: Activity) {
        activity.store(next.rawValue, ordering: .relaxed)
        since.store(clock.monotonicNanoseconds(), ordering: .relaxed)
    }

    package var current: (activity: Activity, milliseconds: Int) {
        let now = clock.monotonicNanoseconds(), start = since.load(ordering: .relaxed)
        let activity = Activity(rawValue: activity.load(ordering: .relaxed)) ?? .idle
        return (activity, now > start ? Int((now - start) / 1_000_000) : 0)
    }

    /// What the task says it waits for; beside it, a plugin call that has lasted suspiciously long is told of its own accord (P8).
    package var note: String? {
        if let said = noteText.withLock({ $0 }) { return said }
        let (activity, milliseconds) = current
        guard activity.isPluginCall, milliseconds >= Self.suspiciousMilliseconds else { return nil }
        return "has been in \(activity.words) for \(milliseconds / 1000) s"
    }

    package func setNote(_ text: String?) { noteText.withLock { $0 = text } }

    private static let suspiciousMilliseconds = 5_000
}
