/// When the tail looks again, and when it may sleep until a writer wakes it. A value; the caller does what it says.
///
/// Sleeping is a handshake over an advisory lock. A writer takes it shared, without waiting, for its transaction: granted, it need not notify, for the tail
/// cannot be asleep; refused, the tail sleeps and the writer notifies. The tail takes it exclusively, without waiting: granted, it looks once more and sleeps;
/// refused, a writer that will not notify is still at work, and the tail keeps looking. Every sleep is bounded, so a lost notification costs time, not changes.
///
/// Between looks it rests an eighth of the time that nothing came for, so whatever comes then waits that much longer, and no more.
package struct Pace: Sendable, Hashable {
    package enum Wake: String, Sendable, CaseIterable {
        case poll
        case notifyIdle = "notify-idle"
    }

    package enum Step: Sendable, Hashable {
        case look
        /// Ask only whether anything finished since, and look if so.
        case peek
        case rest(milliseconds: Int)
        /// Take the lock exclusively, without waiting, and say whether it was granted.
        case tryToSleep
        /// Holding the lock: wait for a notification.
        case sleep(milliseconds: Int)
        /// Awake again with work to do: give the lock back.
        case giveLockBack
    }

    package let wake: Wake
    package let longestMilliseconds: Int
    package private(set) var holdsLock = false
    private var emptyLooks = 0
    private var wasLockTried = false
    private var isRested = true
    /// How long nothing was found, and how much of it the last rest is.
    private var quietMilliseconds = 0
    private var lastRest = 0

    package static let shortestMilliseconds = 1
    private static let share = 8
    /// So many looks in a row must have found nothing before sleeping is worth its two round trips.
    package static let emptyLooksBeforeSleep = 2

    /// How long to rest after nothing was found for so long.
    package static func rest(afterQuiet milliseconds: Int, longest: Int) -> Int {
        min(longest, max(shortestMilliseconds, milliseconds / share))
    }

    package init(wake: Wake, longestMilliseconds: Int) {
        self.wake = wake
        self.longestMilliseconds = max(1, longestMilliseconds)
    }

    /// What to do now.
    package mutating func next() -> Step {
        if isRested {
            isRested = false
            return emptyLooks >= Pace.emptyLooksBeforeSleep ? .peek : .look
        }
        if emptyLooks == 0 {
            if holdsLock { return .giveLockBack }
            return .look
        }
        if holdsLock { return .sleep(milliseconds: longestMilliseconds) }
        if wake == .notifyIdle, emptyLooks >= Pace.emptyLooksBeforeSleep, !wasLockTried {
            wasLockTried = true
            return .tryToSleep
        }
        lastRest = Pace.rest(afterQuiet: quietMilliseconds, longest: longestMilliseconds)
        return .rest(milliseconds: lastRest)
    }

    /// Whether the last look found nothing.
    package var isQuiet: Bool { emptyLooks > 0 }

    package mutating func found(_ rows: Int) {
        if rows > 0 {
            emptyLooks = 0
            quietMilliseconds = 0
        } else {
            emptyLooks += 1
        }
        wasLockTried = false
    }

    package mutating func lock(granted: Bool) {
        holdsLock = granted
        // Granted: one more look, for whoever finished between the last one and the lock.
        isRested = granted
    }

    package mutating func rested() {
        isRested = true
        quietMilliseconds += lastRest
        lastRest = 0
    }

    /// A writer woke the tail: there is something to find.
    package mutating func woken() {
        isRested = true
        emptyLooks = min(emptyLooks, 1)
    }
    package mutating func gaveLockBack() { holdsLock = false }
    /// The session is new: nothing is held.
    package mutating func reset() { self = Pace(wake: wake, longestMilliseconds: longestMilliseconds) }
}
