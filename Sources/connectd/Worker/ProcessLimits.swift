import Glibc

/// What the process asks of the system at its start.
enum ProcessLimits {
    static func prepare() {
        // A reader that went away is an error of a write, not the end of the process; C libraries write to sockets too.
        signal(SIGPIPE, SIG_IGN)
        // Data is its owner's alone.
        umask(0o077)
        // Every connection is a descriptor; the soft limit is often 1,024.
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = min(limit.rlim_max, 65_536)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }
}
