internal import ConnectRuntime
internal import Postgres

extension PostgresSourceTask {
    /// Asks the server for what the gauges show, every few seconds.
    func showHealth(_ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext) throws {
        guard health.isDue(context.clock.monotonicNanoseconds()), let group = plan.groups.first else { return }
        let metrics = context.metrics
        // What the last look left is what there is.
        let isAllSent = pace.isQuiet && group.to == nil && group.from == lastMoment?.snapshot
        let lag = isAllSent ? nil : try session.connection.execute(TailSQL.lag(from: group.from, sent: group.sentByAll, tables: group.tables))
        metrics.setGauge("lag_rows", lag?.integer(0, 0) ?? 0)
        metrics.setGauge("lag_milliseconds", max(0, lag?.integer(0, 1) ?? 0))
        metrics.setGauge("fence_wait_microseconds", session.fenceMicroseconds)
        if let given = lastMoment { metrics.setGauge("snapshot_running_transactions", Int64(given.snapshot.running.count)) }
        let oldest = try session.connection.executePrepared("oldest transaction")
        metrics.setGauge("oldest_transaction_pid", oldest.rowCount == 1 ? oldest.integer(0, 0) : nil)
        metrics.setGauge("oldest_transaction_milliseconds", oldest.rowCount == 1 ? oldest.integer(0, 1) : nil)
        if options.arming.keepsReader {
            metrics.setGauge("oldest_reader_milliseconds", try session.connection.executePrepared("oldest reader").integer(0, 0))
        }
        health.show(metrics)
    }

    /// Counts the rows of a batch that came in several pages, and says when it had more than were read.
    func audit(_ group: TailPlan.Group, to: XidSnapshot, _ session: TailSession, _ context: any SourceTaskContext) throws {
        guard let read = health.end(from: group.from, to: to) else { return }
        guard let first = try session.connection.execute(TailSQL.firstOfBatch(from: group.from)).integer(0, 0) else { return }
        let found = try session.connection.execute(TailSQL.batchSize(from: group.from, to: to, tables: group.tables, from: first)).integer(0, 0) ?? 0
        health.audited(read: read, found: Int(found))
        if found > Int64(read) {
            context.logger.error(
                "the audit of the changes between snapshots \(group.from.text) and \(to.text) found \(found) rows where \(read) were read: please report this; reset the connector's offsets to deliver the tables anew")
        }
    }
}
