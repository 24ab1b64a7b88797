internal import CPostgres

/// A NOTIFY that came.
public struct Notification: Sendable, Hashable {
    public let channel: String
    public let process: Int32
    public let payload: String
}

extension Connection {
    public enum IdleWait: Sendable, Equatable { case notified, interrupted, timedOut }

    /// Waits, outside any statement, for a notification, for whoever wants the thread, or for the time to pass.
    /// - Throws: ``PostgresError`` of family `.connection` when the server ends the session meanwhile.
    public func waitForNotification(milliseconds: Int) throws(PostgresError) -> IdleWait {
        let deadline = Deadline(milliseconds: milliseconds)
        while true {
            try collectNotifications()
            if !pendingNotifications.isEmpty { return .notified }
            switch waitForSocket(reading: true, writing: false, deadline) {
            case .ready: break
            case .interrupted: return .interrupted
            case .timedOut: return .timedOut
            case .failed: throw sessionError()
            }
        }
    }

    /// Takes what came so far (at most 1,024 are kept: they only say that there is something).
    public func takeNotifications() throws(PostgresError) -> [Notification] {
        try collectNotifications()
        defer { pendingNotifications = [] }
        return pendingNotifications
    }

    private func collectNotifications() throws(PostgresError) {
        guard pointer != nil else { throw closedError() }
        if PQconsumeInput(pointer) == 0 { throw sessionError() }
        while let notify = PQnotifies(pointer) {
            if pendingNotifications.count < 1024 {
                pendingNotifications.append(
                    Notification(
                        channel: String(cString: notify.pointee.relname), process: notify.pointee.be_pid, payload: String(cString: notify.pointee.extra)))
            }
            PQfreemem(notify)
        }
        if PQstatus(pointer) == CONNECTION_BAD { throw sessionError() }
    }
}
