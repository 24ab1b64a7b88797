internal import ConnectRuntime
internal import Postgres

extension PostgresSourceTask {
    /// Reads the next chunk of the table whose turn it is, in the open transaction.
    func readChunk(_ session: TailSession, _ context: any SourceTaskContext) throws -> Backfill.Chunk? {
        let waiting = tables.filter { $0.value.backfill != nil }.keys.sorted()
        guard !waiting.isEmpty else { return nil }
        turn = (turn + 1) % waiting.count
        let oid = waiting[turn]
        guard let state = tables[oid], var backfill = state.backfill else { return nil }
        let began = context.clock.monotonicNanoseconds()
        let (sql, parameters) = Backfill.sql(state.records.table, key: state.records.key, after: backfill.after, limit: backfill.size.rows)
        var rows = KeptRows(limit: options?.batchBytes ?? 0)
        do {
            try session.connection.query(sql, parameters) { rows.keep($0) }
        } catch let error as PostgresError {
            // The table was altered or dropped since we looked: look again.
            if error.has("42P01", "42703", "42883", "42804") {
                throw ConnectError(
                    .retriable, code: "postgres.source.table_changed", "table \(state.records.table.display) was altered while its rows were read: \(error.message)")
            }
            throw error
        }
        let limit = backfill.size.rows
        backfill.size.took(milliseconds: Int((context.clock.monotonicNanoseconds() &- began) / 1_000_000), rows: rows.count, bytes: rows.bytes)
        tables[oid]?.backfill = backfill
        return Backfill.Chunk(table: oid, rows: rows, isFull: rows.count >= limit || rows.isCut, milliseconds: context.clock.wallMilliseconds())
    }

    /// Appends a chunk's rows: the state as of the snapshot up to which every change was sent.
    func deliver(_ chunk: Backfill.Chunk, _ options: SourceOptions, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        guard let session else { return }
        var states = tables
        var page = Page(now: context.clock.wallMilliseconds())
        page.touched.insert(chunk.table)
        let flushed = lastMoment?.pending ?? LogPosition(0)
        var previous: QueryResult?
        for row in chunk.rows.rows {
            try row.withBytes(0, 0) { image in
                let change = Change(
                    id: 0, xid: 0, milliseconds: chunk.milliseconds, table: chunk.table, op: UInt8(ascii: "r"), before: nil, after: image)
                if let previous, page.isPieceFull(before: change) {
                    states[chunk.table]?.backfill?.after = Backfill.Chunk.key(previous)
                    closePiece(&page, plan, flushed, &states, into: &batch)
                }
                try append(change, &page, &states, session, into: &batch)
            }
            previous = row
        }
        if chunk.isFull, let last = chunk.rows.rows.last {
            states[chunk.table]?.backfill?.after = Backfill.Chunk.key(last)
        } else {
            states[chunk.table]?.backfill = nil
            context.logger.info("table \(states[chunk.table]?.records.table.display ?? "") is delivered; going on with its changes")
        }
        close(&page, plan, flushed, &states, into: &batch)
        tables = states
        self.chunk = nil
    }
}
