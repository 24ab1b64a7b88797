internal import ConnectRuntime

/// Whether a stored position may be gone on from on this server. Pure.
enum StartChecks {
    struct Server: Sendable, Hashable {
        let isStandby: Bool
        let version: Int
        let history: ServerHistory
        let snapshot: XidSnapshot
        /// The greatest transaction number in the change table.
        let greatestXid: UInt64?
        /// Where its log ends; `nil` for a standby.
        let end: LogPosition?
    }

    enum Verdict: Sendable, Hashable {
        case goOn
        /// A promoted standby: deliver a window again.
        case replay
        /// What is stored is of no use and the settings say what to do instead.
        case startOver(isBackfilled: Bool)
        case refuse(ConnectError)
    }

    /// What holds whatever is stored.
    /// - Parameter hasConnected: whether the task was connected before; whoever stands by now may be promoted yet.
    static func server(_ server: Server, hasConnected: Bool = false) -> ConnectError? {
        if server.version < 130_000 {
            return ConnectError(
                .fatal, code: "postgres.source.version", "the server is PostgreSQL \(server.version / 10_000): 64-bit transaction numbers came with 13",
                suggestion: "upgrade the server")
        }
        if server.isStandby {
            return ConnectError(
                hasConnected ? .retriable : .fatal, code: "postgres.source.standby",
                "the server is a standby: its snapshots call open transactions finished, so changes would be lost",
                suggestion: hasConnected ? "it goes on once the standby is promoted, or the connection leads to the primary again" : "connect to the primary")
        }
        if let greatest = server.greatestXid, greatest >= server.snapshot.xmax {
            return ConnectError(
                .fatal, code: "postgres.source.foreign_xids",
                "connectd.change holds transaction number \(greatest), which this server has not reached (it is at \(server.snapshot.xmax)): the table was copied from another server",
                suggestion: "UPDATE connectd.change SET xid = pg_current_xact_id(), or TRUNCATE it when its changes were delivered; then start again")
        }
        return nil
    }

    private static func lost(_ code: String, _ what: String, _ table: String, _ historyLost: PostgresSourceSettings.HistoryLost) -> Verdict {
        switch historyLost {
        case .earliest: .startOver(isBackfilled: true)
        case .latest: .startOver(isBackfilled: false)
        case .fail:
            .refuse(
                ConnectError(
                    .fatal, code: code, "\(what) (table \(table))",
                    suggestion: "set on.history.lost=earliest to deliver all rows again, or latest to go on with new changes only"))
        }
    }

    /// For a tail by gaps.
    /// - Parameter newest: the newest number that was drawn, where it is known.
    static func fence(
        _ stored: RowPosition.Fence, _ server: Server, newest: Int64?, table: String, historyLost: PostgresSourceSettings.HistoryLost,
        timelineChange: PostgresSourceSettings.TimelineChange
    ) -> Verdict {
        if !equalBytes(stored.history.system, server.history.system) {
            return lost("postgres.source.other_server", "the stored offset belongs to server \(stored.history.system), this is \(server.history.system)", table, historyLost)
        }
        if let newest, newest < stored.last {
            return lost(
                "postgres.source.history_lost",
                "rows up to number \(stored.last) were delivered, and the sequence is only at \(newest): the server or the sequence was put back, or the table is another one", table, historyLost)
        }
        if stored.history.timeline == server.history.timeline { return .goOn }
        if timelineChange == .replay { return .replay }
        return .refuse(
            ConnectError(
                .fatal, code: "postgres.source.timeline",
                "the server is on timeline \(server.history.timeline), the stored offset on \(stored.history.timeline): a standby was promoted, or the server was recovered to a point in time, and may lack rows that were delivered (table \(table))",
                suggestion: "set on.timeline.change=replay to deliver all rows again and go on"))
    }

    /// - Parameter lastIsThere: whether the last change sent stands in the change table with the same transaction; `nil` when that is not known (none sent, or pruned).
    static func position(
        _ stored: TailPosition, _ server: Server, lastIsThere: Bool?, wasForgotten: Bool = false, table: String, historyLost: PostgresSourceSettings.HistoryLost,
        timelineChange: PostgresSourceSettings.TimelineChange
    ) -> Verdict {
        func lost(_ code: String, _ what: String) -> Verdict { StartChecks.lost(code, what, table, historyLost) }
        let newest = stored.to ?? stored.from
        if server.snapshot.xmax < newest.xmax {
            return lost(
                "postgres.source.history_lost",
                "the stored offset knows transactions up to \(newest.xmax), the server is only at \(server.snapshot.xmax): it was put back to an earlier state")
        }
        if wasForgotten {
            return lost(
                "postgres.source.forgotten", "the connector was away for longer than reader.expire.ms, and changes it had not read may have been pruned")
        }
        if !equalBytes(stored.history.system, server.history.system) {
            // An upgrade keeps the transaction numbers and makes a new system identifier.
            if lastIsThere == true { return .goOn }
            return lost(
                "postgres.source.other_server",
                "the stored offset belongs to server \(stored.history.system), this is \(server.history.system)")
        }
        if stored.history.timeline != server.history.timeline {
            switch timelineChange {
            case .replay: return .replay
            case .fail:
                return .refuse(
                    ConnectError(
                        .fatal, code: "postgres.source.timeline",
                        "the server is on timeline \(server.history.timeline), the stored offset on \(stored.history.timeline): a standby was promoted, or the server was recovered to a point in time, and may lack changes that were delivered (table \(table))",
                        suggestion: "set on.timeline.change=replay to deliver what is younger than failover.replay.ms again and go on"))
            }
        }
        // The same server in the same life, and yet not where it was: its folder was put back. Numbers of transactions are given out again then, and what is written under
        // one that was delivered before would be passed over.
        if let end = server.end, end < stored.flushed {
            return lost("postgres.source.history_lost", "the stored offset knows the server's log up to \(stored.flushed), which ends at \(end): it was put back to an earlier state")
        }
        if lastIsThere == false, let last = stored.last {
            return lost(
                "postgres.source.history_lost",
                "change \(last.id) was delivered as one of transaction \(last.xid), and is none of it on the server: it was put back to an earlier state")
        }
        return .goOn
    }
}
