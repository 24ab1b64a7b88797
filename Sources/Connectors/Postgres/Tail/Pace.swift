/// When the tail looks again, and when it may sleep until a writer wakes it. A value; the caller does what it says.
///
/// Sleeping is a handshake over an advisory lock. A writer takes it shared, without waiting, for its transaction: granted, it need not notify, for the tail
/// cannot be asleep; refused, the tail sleeps and the writer notifies. The tail takes it exclusively, without waiting: granted, it looks once more and sleeps;
/// refused, a writer that will not notify is still at work, and the tail keeps looking. Every sleep is bounded, so a lost notification costs time, not changes.
///
/// Between looks it rests an eighth of the time that nothing came for, so whatever comes then waits that much longer, and no more. Asleep it looks at its
/// longest rest's pace at first and, where writers have not been found out to commit without waking it, less and less often.
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
    /// How long nothing was found.
    private var quietMilliseconds = 0
    /// What is left of a rest or sleep, and its part that is under way.
    private var restLeft = 0
    private var part = 0
    /// Whether changes have come by notification only: a session whose notifications go astray (a transaction pool, a trigger that is gone) is not relied on.
    private var isWokenByWriters = true
    /// Whether the last sleep passed without a notification.
    private var hasOverslept = false

    package static let shortestMilliseconds = 1
    /// Between looks of who relies on being woken.
    package static let longestSleepMilliseconds = 2000
    /// A poll that lasts longer would keep the runner from its own work: longer rests are taken in parts.
    package static let partMilliseconds = 1000
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
        if restLeft == 0 {
            if !holdsLock, wake == .notifyIdle, emptyLooks >= Pace.emptyLooksBeforeSleep, !wasLockTried {
                wasLockTried = true
                return .tryToSleep
            }
            restLeft = Pace.rest(afterQuiet: quietMilliseconds, longest: longestMilliseconds)
            if holdsLock {
                restLeft = longestMilliseconds
                if isWokenByWriters { restLeft = max(restLeft, Pace.rest(afterQuiet: quietMilliseconds, longest: Pace.longestSleepMilliseconds)) }
            }
        }
        part = min(restLeft, Pace.partMilliseconds)
        return holdsLock ? .sleep(milliseconds: part) : .rest(milliseconds: part)
    }

    /// Whether the last look found nothing.
    package var isQuiet: Bool { emptyLooks > 0 }

    package mutating func found(_ rows: Int) {
        if rows > 0 {
            if hasOverslept { isWokenByWriters = false }
            emptyLooks = 0
            quietMilliseconds = 0
        } else {
            emptyLooks += 1
        }
        wasLockTried = false
        hasOverslept = false
        restLeft = 0
    }

    package mutating func lock(granted: Bool) {
        holdsLock = granted
        // Granted: one more look, for whoever finished between the last one and the lock.
        isRested = granted
    }

    package mutating func rested() {
        quietMilliseconds += part
        restLeft -= part
        part = 0
        isRested = restLeft == 0
        hasOverslept = isRested && holdsLock
    }

    /// A writer woke the tail: there is something to find.
    package mutating func woken() {
        isRested = true
        isWokenByWriters = true
        (restLeft, part) = (0, 0)
        emptyLooks = min(emptyLooks, 1)
    }
    package mutating func gaveLockBack() { holdsLock = false }
    /// The session is new: nothing is held.
    package mutating func reset() { self = Pace(wake: wake, longestMilliseconds: longestMilliseconds) }
}
