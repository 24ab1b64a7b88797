internal import ConnectRuntime
internal import Postgres

extension PostgresRowsTask {
    /// Arms an event table where it is not, and says where it begins.
    func events(
        _ table: PostgresTable, _ sql: RowSQL, _ session: TailSession, _ server: StartChecks.Server, _ stored: TailPosition?, _ context: any SourceTaskContext
    ) throws -> EventTail {
        guard let number = try RowColumns(options: options, connection: session.connection).number(table)?.column else { throw ChangeRow.malformed }
        if table.isKeyDeferrable {
            throw ConnectError(
                .fatal, code: "postgres.source.deferrable_key", "the primary key of table \(table.display) is DEFERRABLE: rows of one key could come out of order",
                suggestion: "make the key not deferrable, or leave the table out")
        }
        let arming = try EventArming.inspect(session.connection, table, xid: options.rows.xidColumn, id: number)
        if stored != nil, arming.found.type == nil {
            throw ConnectError(
                .fatal, code: "postgres.source.history_lost",
                "table \(table.display) was read before and has no column \(options.rows.xidColumn) any more: which rows came since is not known",
                suggestion: "stop the connector and reset its offsets to deliver the table anew")
        }
        try arming.arm(session.connection, options, context)
        let connection = session.connection
        if try connection.execute(sql.hasBelowOne).rowCount > 0 {
            throw ConnectError(
                .fatal, code: "postgres.source.number_below_one", "table \(table.display) has rows whose \(number) is below 1, which a tail from 1 never reaches",
                suggestion: "give these rows numbers from 1 on")
        }
        // Asked before the snapshot: numbers grow meanwhile.
        let result = try connection.execute(sql.greatestXid)
        let greatest = result.rowCount == 1 ? result.text(0, 0).flatMap { UInt64($0) } : nil
        let moment = try session.moment()
        if let greatest, greatest >= moment.snapshot.xmax {
            throw ConnectError(
                .fatal, code: "postgres.source.foreign_xids",
                "table \(table.display) holds transaction number \(greatest), which this server has not reached (it is at \(moment.snapshot.xmax)): the table was copied from another server",
                suggestion: "UPDATE \(table.qualified) SET \(Quoting.identifier(options.rows.xidColumn)) = NULL counts its rows as being from before the start (all are delivered once after the offsets are reset)")
        }
        health.pending = moment
        guard let stored else { return try begin(session, moment, isBackfilled: options.isBackfilled) }
        var lastIsThere: Bool?
        if let last = stored.last {
            let result = try connection.query(sql.isThere, [.text(String(last.id)), .text(String(last.xid))])
            if result.rowCount == 1 { lastIsThere = result.boolean(0, 0) }
        }
        // Pages of a batch that was gone on with say an end that the log need not have been flushed to.
        var known = stored
        known.flushed = LogPosition(0)
        let verdict = StartChecks.position(
            known, server, lastIsThere: lastIsThere, table: table.display, historyLost: options.historyLost, timelineChange: options.timelineChange)
        switch verdict {
        case .goOn:
            var place = EventTail(from: stored.from, to: stored.to, sent: stored.sent, last: stored.last)
            place.given = stored.from
            return place
        case .refuse(let error): throw error
        case .replay:
            context.logger.warning("table \(table.display): after a failover, delivering all rows again, since an event table does not say which are young")
            return try begin(session, moment, isBackfilled: true)
        case .startOver(let isBackfilled):
            context.logger.warning("table \(table.display): its stored offset is of no use on this server; starting over as on.history.lost says")
            return try begin(session, moment, isBackfilled: isBackfilled)
        }
    }

    /// Everything there is as one batch up to this moment, or only what comes after it.
    private func begin(_ session: TailSession, _ moment: TailSession.Moment, isBackfilled: Bool) throws -> EventTail {
        try session.fence(moment)
        return isBackfilled ? EventTail(from: EventTail.beginning, to: moment.snapshot) : EventTail(from: moment.snapshot)
    }
}

extension EventTail {
    /// As if it had just been stored.
    func position(_ history: ServerHistory) -> TailPosition {
        TailPosition(from: from, to: to, sent: sent, flushed: LogPosition(0), history: history, last: last)
    }
}
