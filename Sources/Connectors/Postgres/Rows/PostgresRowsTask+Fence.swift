internal import ConnectRuntime
internal import Postgres

extension PostgresRowsTask {
    /// A page of a table by its numbers: what follows without a gap goes out, a gap waits for whoever may fill it.
    func readFenced(
        _ table: UInt32, _ place: FenceTail, _ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch
    ) throws {
        guard let tail = tails[table] else { return }
        var next = place
        if let wait = place.waiting {
            let (holders, hasPrepared) = try holders(table, session)
            guard next.look(holders: holders, hasPrepared: hasPrepared) else {
                if health.isGapNoteDue(context.clock.monotonicNanoseconds()) {
                    let count = wait.holders.intersection(holders).count
                    context.note("\(tail.records.table.display): waiting for \(max(1, count)) transaction(s) that wrote the table and may still add rows up to number \(wait.top)")
                }
                return
            }
            if health.endGapNote() { context.note(DroppedTables.note(missing, isEmpty: false)) }
            tails[table]?.place = .fence(next)
            if wait.skips { return close(table, offset(next), since: batch.count, into: &batch) }
        }
        let limit = pageRows
        let page = try ImagePage.read(session.connection, tail.sql.after(next.last, limit: limit), limit: options.batchBytes)
        let ids = try page.firsts()
        guard let top = ids.last else { return }
        let count = next.deliverable(ids)
        if count > 0 { try fence(session) }
        let now = context.clock.wallMilliseconds()
        var index = 0, piece = Piece(start: batch.count)
        try page.forEach { row in
            defer { index += 1 }
            guard index < count else { return }
            if piece.isFull(before: row.image) {
                next.delivered(upTo: ids[index - 1])
                close(&piece, table, offset(next), into: &batch)
            }
            piece.add(row.image)
            try append(row, op: UInt8(ascii: "c"), id: row.first ?? 0, table, session, now: now, into: &batch)
        }
        if count > 0 { next.delivered(upTo: ids[count - 1]) }
        // Listed after the row above the gap was read: whoever is not among them has ended.
        if count < ids.count { next.wait(top: top, holders: try holders(table, session).names) }
        if count > 0 { close(table, offset(next), since: piece.start, into: &batch) }
        resize(bytes: page.byteCount, rows: ids.count)
        tails[table]?.place = .fence(next)
    }

    func offset(_ place: FenceTail) -> SourceOffset { RowPosition.Fence(last: place.last, history: history).offset }

    private func holders(_ table: UInt32, _ session: TailSession) throws(PostgresError) -> (names: Set<String>, hasPrepared: Bool) {
        let result = try session.connection.query(RowSQL.holders, [.text(String(table))])
        var names: Set<String> = [], hasPrepared = false
        for row in 0..<result.rowCount {
            names.insert(result.text(row, 0) ?? "")
            // A transaction may have been prepared since it was listed, and then has another name.
            if result.boolean(row, 1) { hasPrepared = true }
        }
        return (names, hasPrepared)
    }

    /// Where a table without an offset begins.
    /// - Parameter isBackfilled: whether rows that are there are delivered.
    func firstFence(_ table: PostgresTable, _ sql: RowSQL, _ session: TailSession, isBackfilled: Bool) throws -> FenceTail {
        var place = FenceTail(last: 0)
        if isBackfilled { return place }
        let greatest = try session.connection.execute(sql.greatest).integer(0, 0) ?? 0
        place.wait(top: greatest, holders: try holders(table.oid, session).names, skips: true)
        return place
    }
}
