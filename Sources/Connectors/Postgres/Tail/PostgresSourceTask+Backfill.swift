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
        let result: QueryResult
        do throws(PostgresError) {
            result = try session.connection.query(sql, parameters)
        } catch {
            // The table was altered or dropped since we looked: look again.
            if error.has("42P01", "42703", "42883", "42804") {
                throw ConnectError(
                    .retriable, code: "postgres.source.table_changed", "table \(state.records.table.display) was altered while its rows were read: \(error.message)")
            }
            throw error
        }
        let limit = backfill.size.rows
        var bytes = 0
        for row in 0..<result.rowCount { bytes += result.withBytes(row, 0) { $0?.count ?? 0 } }
        backfill.size.took(milliseconds: Int((context.clock.monotonicNanoseconds() &- began) / 1_000_000), rows: result.rowCount, bytes: bytes)
        tables[oid]?.backfill = backfill
        return Backfill.Chunk(table: oid, result: result, isFull: result.rowCount >= limit, milliseconds: context.clock.wallMilliseconds())
    }

    /// Appends a chunk's rows: the state as of the snapshot up to which every change was sent.
    func deliver(_ chunk: Backfill.Chunk, _ options: SourceOptions, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        guard let session else { return }
        var states = tables
        var page = Page(now: context.clock.wallMilliseconds())
        page.touched.insert(chunk.table)
        for row in 0..<chunk.result.rowCount {
            try chunk.result.withBytes(row, 0) { image in
                let change = Change(
                    id: 0, xid: 0, milliseconds: chunk.milliseconds, table: chunk.table, op: UInt8(ascii: "r"), before: nil, after: image)
                let last = states[chunk.table]?.last
                try append(change, &page, &states, session, options, into: &batch)
                states[chunk.table]?.last = last
            }
        }
        if chunk.isFull {
            states[chunk.table]?.backfill?.after = chunk.lastKey
        } else {
            states[chunk.table]?.backfill = nil
            context.logger.info("table \(states[chunk.table]?.records.table.display ?? "") is delivered; going on with its changes")
        }
        close(page, plan, lastMoment?.pending ?? LogPosition(0), &states, into: &batch)
        tables = states
        self.chunk = nil
    }
}
