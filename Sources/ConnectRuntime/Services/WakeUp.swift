import CLinux
import Glibc

/// Wakes a thread that waits: an eventfd, so it can stand in `poll(2)` beside a socket or an inotify descriptor (D2).
///
/// Level-triggered: once set it stays set until ``clear()``, so a wake-up that comes before the wait is not lost. Thread-safe.
public final class WakeUp: Sendable {
    /// Readable while set. For `poll(2)`; nobody else reads, writes or closes it.
    public let fileDescriptor: Int32

    public init() { fileDescriptor = connectd_eventfd() }

    deinit { if fileDescriptor >= 0 { close(fileDescriptor) } }

    public func set() { connectd_eventfd_set(fileDescriptor) }

    public func clear() { connectd_eventfd_clear(fileDescriptor) }

    public var isSet: Bool { wait(milliseconds: 0) }

    /// Waits until set, at most so long. Does not clear.
    /// - Returns: whether it is set.
    public func wait(milliseconds: Int) -> Bool { wait(milliseconds: milliseconds, beside: -1) }

    /// Waits until set or until `other` (a descriptor, −1 for none) is readable, at most so long.
    /// - Returns: whether this wake-up is set.
    public func wait(milliseconds: Int, beside other: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&descriptors, 2, Int32(clamping: max(0, milliseconds)))
        return descriptors[0].revents & Int16(POLLIN) != 0
    }
}
