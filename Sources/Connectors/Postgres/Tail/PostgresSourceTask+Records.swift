internal import ConnectRuntime
internal import Postgres

extension PostgresSourceTask {
    /// What one poll has put together so far.
    struct Page {
        let now: Int64
        var lastID: Int64 = 0
        var bytes = 0
        /// Of ``bytes``, those of the pieces that are closed.
        var closedBytes = 0
        /// Per table, where its last record of the open piece stands in the batch.
        var lastEntries: [UInt32: Int] = [:]
        /// Tables of which changes were read, with or without records.
        var touched: Set<UInt32> = []
        /// The table of the change before: what is known of it stands here until another one's change comes.
        private(set) var table: UInt32?
        var records: TableRecords?
        var last: TailPosition.LastChange?
        var lastEntry: Int?

        init(now: Int64) { self.now = now }

        /// Whether what was read since the last piece should be able to become durable without the change that follows: a page may be more than
        /// one transaction of the log takes.
        func isPieceFull(before change: Change) -> Bool {
            bytes - closedBytes + change.imageBytes > RecordPiece.mostBytes && (lastEntry != nil || !lastEntries.isEmpty)
        }

        /// Changes of another table follow: what was kept of the one before is written down.
        mutating func turn(to table: UInt32?, _ states: inout [UInt32: TableState]) {
            if let old = self.table {
                if let last { states[old]?.last = last }
                if let lastEntry { lastEntries[old] = lastEntry }
            }
            self.table = table
            records = table.flatMap { states[$0]?.records }
            (last, lastEntry) = (nil, nil)
            if records != nil, let table { touched.insert(table) }
        }
    }

    /// Appends the records of a change. An image that does not go with the table we know has the table looked up anew; if that does not help,
    /// it is of a time before or after an ALTER TABLE and is read column by column as far as it goes.
    func append(_ change: Change, _ page: inout Page, _ states: inout [UInt32: TableState], _ session: TailSession, into batch: inout RecordBatch) throws {
        if page.table != change.table { page.turn(to: change.table, &states) }
        guard let records = page.records else { return }
        page.lastID = change.id
        page.bytes += change.imageBytes
        health.count(change.op)
        let start = batch.count
        do {
            try records.append(change, isTolerant: false, now: page.now, to: &batch)
        } catch is ImageDecoder.Surprise {
            batch.entries.removeLast(batch.count - start)
            try appendSurprising(change, page.now, &states, session, into: &batch)
            page.records = states[change.table]?.records
        }
        // Rows of a backfill are none.
        if change.id > 0 { page.last = TailPosition.LastChange(id: change.id, xid: change.xid) }
        if batch.count > start { page.lastEntry = batch.count - 1 }
    }

    private func appendSurprising(
        _ change: Change, _ now: Int64, _ states: inout [UInt32: TableState], _ session: TailSession, into batch: inout RecordBatch
    ) throws {
        guard let options, let old = states[change.table]?.records else { return }
        let start = batch.count
        var records = old
        if let table = try PostgresCatalog(connection: session.connection).describe([change.table]).first.map({ $0.mapped(options.types.numerics) }), table != old.table {
            context?.logger.info("table \(table.display) was altered: going on with its new columns")
            records = try self.records(of: table, topic: old.topic, options)
            states[change.table]?.records = records
            do {
                try records.append(change, isTolerant: false, now: now, to: &batch)
                return
            } catch is ImageDecoder.Surprise {
                batch.entries.removeLast(batch.count - start)
            }
        }
        do {
            try records.relaxed.append(change, isTolerant: true, now: now, to: &batch)
        } catch let surprise as ImageDecoder.Surprise {
            batch.entries.removeLast(batch.count - start)
            guard case .value(let column, let expected) = surprise else { throw ConnectError(surprise) }
            throw ConnectError(
                .fatal, code: "postgres.source.value",
                "\(change.id > 0 ? "change \(change.id)" : "a row") of table \(old.table.display) has in column \(column) a value that should be \(expected)",
                suggestion: "decimal.special, decimal.handling.mode and temporal.infinity say how values without a place in their type travel; a column that was retyped has old images that do not fit the new type: reset the connector's offsets to deliver the table anew")
        }
    }

    /// Gives the last record of each table the table's new position; tables whose changes made no record get an entry that only carries it.
    func close(
        _ page: inout Page, _ next: TailPlan, _ flushed: LogPosition, _ states: inout [UInt32: TableState], into batch: inout RecordBatch
    ) {
        page.turn(to: nil, &states)
        for table in page.touched {
            guard let position = position(table, next, flushed, states) else { continue }
            if let index = page.lastEntries[table] {
                let entry = batch.entries[index]
                batch.entries[index] = RecordBatch.Entry(
                    record: entry.record, origin: .source(SourceOrigin(partition: states[table]?.records.partition ?? SourcePartition([]), offset: position.offset)))
            } else {
                appendPositionOnly(table, position, states, into: &batch)
            }
            states[table]?.given = position.from
        }
    }

    /// Gives the last record of each table in the open piece the position up to it. What one change is made of stays in one piece.
    func closePiece(_ page: inout Page, _ part: TailPlan, _ flushed: LogPosition, _ states: inout [UInt32: TableState], into batch: inout RecordBatch) {
        page.turn(to: nil, &states)
        for (table, index) in page.lastEntries {
            guard let position = position(table, part, flushed, states), let partition = states[table]?.records.partition else { continue }
            let entry = batch.entries[index]
            batch.entries[index] = RecordBatch.Entry(record: entry.record, origin: .source(SourceOrigin(partition: partition, offset: position.offset)))
        }
        page.lastEntries.removeAll(keepingCapacity: true)
        page.closedBytes = page.bytes
    }

    /// An entry without a record to write: it is filtered from the start, and moves the offset as any filtered one does.
    func appendPositionOnly(_ table: UInt32, _ position: TailPosition, _ states: [UInt32: TableState], into batch: inout RecordBatch) {
        guard let records = states[table]?.records else { return }
        var entry = RecordBatch.Entry(
            record: Record(topic: records.topic), origin: .source(SourceOrigin(partition: records.partition, offset: position.offset)))
        entry.outcome = .filtered
        batch.entries.append(entry)
    }

    func position(_ table: UInt32, _ plan: TailPlan, _ flushed: LogPosition, _ states: [UInt32: TableState]) -> TailPosition? {
        guard let state = states[table], let group = plan.groups.first(where: { $0.tables.contains(table) }) else { return nil }
        return TailPosition(
            from: group.from, to: group.to, sent: group.sent[table] ?? 0, flushed: flushed, history: history, last: state.last,
            backfill: state.backfill?.after)
    }
}
