/// What went wrong between us and a PostgreSQL server, with what a caller decides by. Never holds a password.
public struct PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the caller's next move is.
    public enum Family: String, Sendable, Hashable {
        /// The session is gone or could not be made: connect again.
        case connection
        /// The server is there and refuses us (password, role, database, pg_hba). Trying again helps only after somebody changed something.
        case authentication
        /// The session is good, the transaction is lost: the same again may pass (deadlock, serialization, lock timeout, out of resources).
        case transient
        /// The same again fails again.
        case permanent
        /// Our own side gave up waiting because it was woken; the session is closed.
        case interrupted
    }

    public let family: Family
    /// The five characters of SQL's code, `nil` when libpq or we said it.
    public let sqlState: String?
    /// One sentence, the server's or libpq's first line or our own.
    public let message: String
    public let detail: String?
    public let hint: String?
    /// The server's names of what it complains about, where it gives them.
    public let table: String?
    public let column: String?
    public let constraint: String?

    public init(
        _ family: Family, sqlState: String? = nil, _ message: String, detail: String? = nil, hint: String? = nil, table: String? = nil,
        column: String? = nil, constraint: String? = nil
    ) {
        self.family = family
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.table = table
        self.column = column
        self.constraint = constraint
    }

    /// Whether the data of the statement is to blame: out of range, malformed, a broken constraint. Others rows may pass.
    public var blamesData: Bool {
        guard let sqlState else { return false }
        return sqlState.hasPrefix("22") || sqlState.hasPrefix("23") || sqlState.hasPrefix("44")
    }

    public func has(_ states: String...) -> Bool { sqlState.map { state in states.contains { $0 == state } } ?? false }

    public var description: String {
        var text = message
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        if let detail { text += "; \(detail)" }
        if let hint { text += "; hint: \(hint)" }
        return text
    }

    /// The family of a server's code.
    ///
    /// - Parameter isSessionGone: whether the connection is bad after it.
    public static func family(sqlState: String?, isSessionGone: Bool) -> Family {
        guard let sqlState else { return isSessionGone ? .connection : .permanent }
        switch sqlState {
        case "28000", "28P01", "3D000": return .authentication
        // Ended by an administrator, a crash, a shutdown, a start-up in progress, idle timeouts.
        case "57P01", "57P02", "57P03", "57P05", "25P03": return .connection
        // Deadlock, lock not available, cancelled (by a timeout or by hand), object in use, snapshot too old.
        case "40P01", "55P03", "57014", "55006", "72000": return .transient
        default: break
        }
        switch sqlState.prefix(2) {
        case "08": return .connection
        case "40", "53": return .transient
        case "58": return isSessionGone ? .connection : .transient
        default: return isSessionGone ? .connection : .permanent
        }
    }
}
