internal import CPostgres
internal import Glibc

/// A moment on the monotonic clock.
struct Deadline {
    let milliseconds: Int
    private let end: Int

    init(milliseconds: Int) {
        self.milliseconds = milliseconds
        end = Deadline.now() + max(0, min(milliseconds, 86_400_000))
    }

    var remaining: Int { max(0, end - Deadline.now()) }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}

extension Connection {
    enum Wait { case ready, timedOut, interrupted, failed(Int32) }

    /// Waits for the socket, and for whoever wants the thread, at most so long.
    func waitForSocket(reading: Bool, writing: Bool, _ deadline: Deadline, heedingInterruption: Bool = true) -> Wait {
        let socket = PQsocket(pointer)
        guard socket >= 0 else { return .failed(EBADF) }
        let events = (reading ? Int16(POLLIN) : 0) | (writing ? Int16(POLLOUT) : 0)
        var descriptors = [
            pollfd(fd: socket, events: events, revents: 0),
            pollfd(fd: heedingInterruption ? interruption.descriptor : -1, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let found = poll(&descriptors, 2, Int32(clamping: deadline.remaining))
            if found < 0 {
                if errno == EINTR { continue }
                return .failed(errno)
            }
            // An error or hang-up counts as ready: libpq's next call says what it is.
            if descriptors[0].revents != 0 { return .ready }
            if descriptors[1].revents != 0 { return .interrupted }
            if deadline.remaining == 0 { return .timedOut }
        }
    }

    /// Waits inside a statement: an interruption lets it go on for the grace, then closes the session.
    func waitInStatement(reading: Bool, writing: Bool) throws(PostgresError) {
        let limit = Deadline(milliseconds: silenceLimitMilliseconds)
        var wait = waitForSocket(reading: reading, writing: writing, limit)
        if case .interrupted = wait {
            wait = waitForSocket(reading: reading, writing: writing, grace(), heedingInterruption: false)
            if case .timedOut = wait {
                close()
                throw PostgresError(.interrupted, "closed the session with \(place) in the middle of a statement: the task is wanted")
            }
        }
        switch wait {
        case .ready, .interrupted: return
        case .timedOut:
            close()
            throw PostgresError(.connection, "nothing came from \(place) for \(silenceLimitMilliseconds / 1000) s")
        case .failed(let code):
            close()
            throw PostgresError(.connection, "waiting for \(place) failed: \(String(cString: strerror(code)))")
        }
    }

    /// What is left of the grace, counted from when the interruption was first noticed in this statement.
    private func grace() -> Deadline {
        if let graceEnd { return graceEnd }
        let end = Deadline(milliseconds: interruption.graceMilliseconds)
        graceEnd = end
        return end
    }

    /// Sends everything that libpq holds, reading meanwhile so that neither side blocks the other.
    func flush() throws(PostgresError) {
        while true {
            guard pointer != nil else { throw closedError() }
            let left = PQflush(pointer)
            if left == 0 { return }
            if left < 0 { throw sessionError() }
            try waitInStatement(reading: true, writing: true)
            if PQconsumeInput(pointer) == 0 { throw sessionError() }
        }
    }

    /// The next result of what was sent, `nil` when a statement's are over.
    func nextPointer() throws(PostgresError) -> OpaquePointer? {
        guard pointer != nil else { throw closedError() }
        while PQisBusy(pointer) == 1 {
            try waitInStatement(reading: true, writing: false)
            if PQconsumeInput(pointer) == 0 { throw sessionError() }
        }
        return PQgetResult(pointer)
    }
}
