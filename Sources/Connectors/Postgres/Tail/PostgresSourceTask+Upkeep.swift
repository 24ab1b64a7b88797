internal import ConnectRuntime
internal import Postgres

extension PostgresSourceTask {
    /// What has time until nothing is new.
    func tend(_ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        let now = context.clock.monotonicNanoseconds()
        // Nothing is altered by transactions that have not finished.
        if upkeep.isShapeDue(now), lastMoment?.snapshot != shapeSeenAt {
            if try currentShape(session) != shape { return reconnect(session) }
            shapeSeenAt = lastMoment?.snapshot
        }
        if options.arming.keepsReader, upkeep.isReaderDue(now) { try moveReader(session, options, now) }
        if options.prunes, upkeep.isPruneDue(now) { try prune(session, options, now) }
        // A table that begins with what comes from now on has its place at once: what comes while a restart is under way is not passed over.
        if upkeep.isPersistDue(now, every: options.idlePersist) || tables.contains(where: { $0.value.given == nil }) { try persistIdle(session, into: &batch) }
    }

    /// Looks at everything anew with the next poll: tables came, went or were altered.
    func reconnect(_ session: TailSession) {
        session.connection.close()
        self.session = nil
    }

    /// Gives out the positions of tables without changes, so that a restart need not look far back, nor pruning wait.
    private func persistIdle(_ session: TailSession, into batch: inout RecordBatch) throws {
        guard let moment = lastMoment, plan.groups.count == 1, plan.groups[0].from == moment.snapshot else { return }
        let behind = tables.filter { $0.value.given != moment.snapshot }.keys.sorted()
        if behind.isEmpty { return }
        try session.fence(moment)
        for table in behind {
            guard let position = position(table, plan, moment.pending, tables) else { continue }
            appendPositionOnly(table, position, tables, into: &batch)
            tables[table]?.given = moment.snapshot
        }
    }

    /// Tells the other readers' pruning what is durable: the oldest of our tables' snapshots.
    private func moveReader(_ session: TailSession, _ options: SourceOptions, _ now: UInt64) throws {
        guard let oldest = tables.values.compactMap(\.durable).min(by: { $0.finishedCount < $1.finishedCount }),
            tables.values.allSatisfy({ $0.durable != nil }), upkeep.isBeatDue(now, expiry: options.readerExpiry) || oldest != movedTo
        else { return }
        let last = tables.values.compactMap(\.last?.id).max()
        try session.connection.query(
            TailSQL.moveReader, [.text(session.reader), .text(oldest.text), last.map { .text(String($0)) } ?? .null])
        movedTo = oldest
    }

    private func prune(_ session: TailSession, _ options: SourceOptions, _ now: UInt64) throws {
        let expired = try session.connection.query(TailSQL.expireReaders, [.text(String(options.readerExpiry))])
        for row in 0..<expired.rowCount {
            context?.logger.warning(
                "reader \(expired.text(row, 0) ?? "") of connectd.change was not seen for longer than reader.expire.ms: changes it has not read are pruned from now on")
        }
        let deleted = try session.connection.query(TailSQL.prune, [.text(String(options.retention)), .text(String(Upkeep.pruneRows))]).affectedRows
        if deleted == Upkeep.pruneRows { upkeep.pruneAgainSoon(now) }
    }
}
