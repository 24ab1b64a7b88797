internal import CLinux
internal import ConnectRuntime
internal import Glibc

/// Notices that somebody writes to a SQLite file: inotify on the file and its WAL, and on the folder for files that come and go.
///
/// Only ever names files, never opens them: closing a descriptor of a database file would drop SQLite's locks on it.
final class FileWatcher {
    private let path: String
    /// −1 where the system gives no inotify; then only time wakes.
    private let descriptor: Int32

    init(_ path: String) {
        self.path = path
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        watch()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    var isActive: Bool { descriptor >= 0 }

    /// Watches whatever is there now; repeating it is harmless.
    private func watch() {
        guard descriptor >= 0 else { return }
        for file in [path, path + "-wal"] { inotify_add_watch(descriptor, file, UInt32(IN_MODIFY)) }
        var folder = "."
        if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) { folder = slash == path.utf8.startIndex ? "/" : String(path[..<slash]) }
        inotify_add_watch(descriptor, folder, UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE))
    }

    /// Waits for a write, for `wake`, or for the time to pass. - Returns: whether there was a write.
    func wait(milliseconds: Int, wake: WakeUp) -> Bool {
        _ = wake.wait(milliseconds: milliseconds, beside: descriptor)
        return drain()
    }

    private func drain() -> Bool {
        guard descriptor >= 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 4096)
        var seen = false
        while read(descriptor, &buffer, buffer.count) > 0 { seen = true }
        if seen { watch() }
        return seen
    }
}

/// Which file a path leads to.
struct FileIdentity: Equatable {
    let device: UInt64
    let inode: UInt64

    /// `nil` when there is none.
    init?(_ path: String) {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        device = UInt64(found.st_dev)
        inode = UInt64(found.st_ino)
    }
}
