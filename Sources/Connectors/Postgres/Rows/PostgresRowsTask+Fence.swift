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
            let holders = try holders(table, session)
            guard next.look(holders: holders.names, hasPrepared: holders.hasPrepared) else {
                if health.isGapNoteDue(context.clock.monotonicNanoseconds()) {
                    context.note("\(tail.records.table.display): waiting for \(holders.words(among: wait.holders)), which wrote the table and may still add rows up to number \(wait.top)")
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

    /// Who holds the lock that an insert takes.
    private struct Holders {
        var names: Set<String> = []
        /// A transaction may have been prepared since it was listed, and then has another name.
        var hasPrepared = false
        /// Server processes by the names of their transactions.
        var processes: [String: Int64] = [:]

        /// Those of a list that are still there, for whoever wants to end them.
        func words(among listed: Set<String>) -> String {
            let left = listed.intersection(names), processes = left.compactMap { self.processes[$0] }.sorted()
            var words: [String] = []
            if !processes.isEmpty { words.append("\(processes.count) transaction(s) of server process(es) \(processes.map(String.init).joined(separator: ", "))") }
            // One that is prepared has no process any more.
            if hasPrepared || processes.count < left.count { words.append("a prepared transaction (pg_prepared_xacts)") }
            return words.joined(separator: " and ")
        }
    }

    private func holders(_ table: UInt32, _ session: TailSession) throws(PostgresError) -> Holders {
        let result = try session.connection.query(RowSQL.holders, [.text(String(table))])
        var holders = Holders()
        for row in 0..<result.rowCount {
            let name = result.text(row, 0) ?? ""
            holders.names.insert(name)
            if let process = result.integer(row, 2) { holders.processes[name] = process }
            if result.boolean(row, 1) { holders.hasPrepared = true }
        }
        return holders
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
