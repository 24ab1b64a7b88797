internal import ConnectRuntime
internal import Postgres

extension PostgresRowsTask {
    /// A look at, or the next page of, an event table whose rows carry their transaction's number.
    func readEvents(
        _ table: UInt32, _ place: EventTail, _ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch
    ) throws {
        if place.to != nil { return try sendEvents(table, place, session, context, into: &batch) }
        guard let tail = tails[table] else { return }
        let limit = pageRows
        var rows = KeptRows(limit: options.batchBytes)
        try session.connection.query(tail.sql.look(from: place.from, limit: limit), binary: true) { rows.keep($0) }
        let look = try TailSession.look(rows)
        let moment = look.moment
        health.looked(at: moment)
        var next = place
        if look.rowCount == 0 {
            next.complete(at: moment.snapshot)
            tails[table]?.place = .events(next)
            health.pending = moment
            return
        }
        try session.fence(moment)
        let now = context.clock.wallMilliseconds()
        var piece = Piece(start: batch.count)
        for row in rows.rows {
            let first = TailSession.Look.leadingColumns
            let id: Int64? = row.withBytes(0, first) { $0.flatMap { BinaryForm.integer($0) } }
            let xid: Int64? = row.withBytes(0, first + 1) { $0.flatMap { BinaryForm.integer($0) } }
            try row.withBytes(0, first + 2) { bytesOfImage in
                guard let image = bytesOfImage.flatMap({ BinaryForm.json($0) }) else { throw ChangeRow.malformed }
                if piece.isFull(before: image) {
                    var part = next
                    part.begin(to: moment.snapshot, sent: next.sent)
                    close(&piece, table, part.offset(flushed: moment.pending, history: history), into: &batch)
                }
                piece.add(image)
                try deliver(ImagePage.Row(first: id, second: xid, image: image), &next, table, session, now, into: &batch)
            }
        }
        if look.rowCount < limit, !rows.isCut { next.complete(at: moment.snapshot) } else { next.begin(to: moment.snapshot, sent: next.sent) }
        close(table, next.offset(flushed: moment.pending, history: history), since: piece.start, into: &batch)
        next.given = next.from
        resize(bytes: rows.bytes, rows: look.rowCount)
        tails[table]?.place = .events(next)
    }

    private func sendEvents(
        _ table: UInt32, _ place: EventTail, _ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch
    ) throws {
        guard let tail = tails[table], let to = place.to else { return }
        var next = place
        let isEverything = place.from == EventTail.beginning
        if place.sent == 0, !isEverything {
            guard let first = try session.connection.execute(tail.sql.firstOfBatch(from: place.from)).integer(0, 0) else {
                next.finish()
                tails[table]?.place = .events(next)
                return
            }
            next.sent = first - 1
        }
        let limit = pageRows
        let page = try ImagePage.read(
            session.connection, tail.sql.page(from: place.from, to: to, after: next.sent, includesOld: isEverything, limit: limit), limit: options.batchBytes)
        let now = context.clock.wallMilliseconds(), flushed = health.pending?.pending ?? LogPosition(0)
        var piece = Piece(start: batch.count)
        let count = try page.forEach { row in
            if piece.isFull(before: row.image) { close(&piece, table, next.offset(flushed: flushed, history: history), into: &batch) }
            piece.add(row.image)
            try deliver(row, &next, table, session, now, into: &batch)
        }
        if count < limit, !page.isCut { next.finish() }
        if count > 0 || next.to == nil {
            close(table, next.offset(flushed: flushed, history: history), since: piece.start, into: &batch)
            next.given = next.from
        }
        resize(bytes: page.byteCount, rows: count)
        tails[table]?.place = .events(next)
    }

    private func deliver(_ row: ImagePage.Row, _ place: inout EventTail, _ table: UInt32, _ session: TailSession, _ now: Int64, into batch: inout RecordBatch) throws {
        guard let id = row.first else { throw ChangeRow.malformed }
        let xid = row.second.map { UInt64(bitPattern: $0) } ?? 0
        try append(row, op: UInt8(ascii: "c"), id: id, xid: xid, table, session, now: now, into: &batch)
        place.sent = id
        if xid > 0 { place.last = TailPosition.LastChange(id: id, xid: xid) }
    }

    /// Gives out the positions of tables without rows, so that a restart need not look far back.
    func persistIdle(_ session: TailSession, into batch: inout RecordBatch) throws {
        for table in order {
            guard case .events(let place)? = tails[table]?.place, place.to == nil, place.given != place.from else { continue }
            let moment = try session.moment()
            try session.fence(moment)
            close(table, place.offset(flushed: moment.pending, history: history), since: batch.count, into: &batch)
            var next = place
            next.given = place.from
            tails[table]?.place = .events(next)
        }
    }
}
