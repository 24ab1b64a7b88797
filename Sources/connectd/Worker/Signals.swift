import ConnectRuntime
import Glibc

/// The signals that ask the process to end. They are blocked before any thread starts, so that every thread inherits the mask
/// and only who waits here hears of them.
enum Signals {
    private static let ending = [SIGTERM, SIGINT, SIGHUP]

    static func block() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in ending { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// From here on a further signal ends the process at once: who asks twice means it.
    static func unblock() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in ending { sigaddset(&set, signal) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Waits for one, at most so long.
    /// - Returns: its number, `nil` when the time is over.
    static func wait(milliseconds: Int) -> Int32? {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in ending { sigaddset(&set, signal) }
        let bounded = max(0, milliseconds)
        var time = timespec(tv_sec: bounded / 1000, tv_nsec: bounded % 1000 * 1_000_000)
        let number = sigtimedwait(&set, nil, &time)
        return number > 0 ? number : nil
    }

    /// Waits for one, however long it takes.
    static func wait() -> Int32 {
        while true {
            if let number = wait(milliseconds: 3_600_000) { return number }
        }
    }
}
