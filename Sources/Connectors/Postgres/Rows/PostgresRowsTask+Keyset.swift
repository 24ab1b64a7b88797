internal import ConnectRuntime
internal import Postgres

extension PostgresRowsTask {
    /// A page by number, by time, or by both, as the JDBC source reads it.
    func readKeyset(
        _ table: UInt32, _ place: RowPosition.Keyset, _ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch
    ) throws {
        guard let tail = tails[table] else { return }
        let limit = pageRows, delay = options.rows.timestampDelay
        var next = place
        let sql =
            switch options.mode {
            case .timestamp: tail.sql.later(than: place.microseconds ?? 0, delay: delay, limit: limit)
            case .timestampIncrementing: tail.sql.later(than: place.microseconds ?? 0, id: place.incrementing ?? -1, delay: delay, limit: limit)
            default: tail.sql.after(place.incrementing ?? -1, limit: limit)
            }
        // Rows of one time without numbers have one position.
        let page = try ImagePage.read(session.connection, sql, limit: options.batchBytes, keepsEqual: options.mode == .timestamp)
        let now = context.clock.wallMilliseconds()
        var piece = Piece(start: batch.count)
        let op = options.mode == .incrementing ? UInt8(ascii: "c") : UInt8(ascii: "r")
        var count = 0
        let rows = try page.forEach { row in
            if count == 0 { try fence(session) }
            count += 1
            if count > limit + PostgresRowsTask.mostEqualTimes {
                throw ConnectError(
                    .fatal, code: "postgres.source.equal_times",
                    "more than \(PostgresRowsTask.mostEqualTimes) rows of table \(tail.records.table.display) have one time: mode=timestamp cannot tell where to go on among them",
                    suggestion: "set mode=timestamp+incrementing and incrementing.column.name, or mode=snapshot")
            }
            if piece.isFull(before: row.image), options.mode != .timestamp || row.first != next.microseconds { close(&piece, table, next.offset, into: &batch) }
            piece.add(row.image)
            try append(row, op: op, id: op == UInt8(ascii: "c") ? row.first ?? 0 : 0, table, session, now: now, into: &batch)
            switch options.mode {
            case .timestamp: next.microseconds = row.first
            case .timestampIncrementing:
                next.microseconds = row.first
                next.incrementing = row.second
            default: next.incrementing = row.first
            }
        }
        if rows > 0 { close(table, next.offset, since: piece.start, into: &batch) }
        if rows < limit, !page.isCut { tails[table]?.due = due(context) }
        resize(bytes: page.byteCount, rows: rows)
        tails[table]?.place = .keyset(next)
    }

    /// Rows of one time beyond a page: their batch must hold them all.
    static let mostEqualTimes = 100_000

    func due(_ context: any SourceTaskContext) -> UInt64 {
        context.clock.monotonicNanoseconds() &+ UInt64(options.pollInterval) &* 1_000_000
    }

    /// The next page of a whole table, in one snapshot.
    func readBulk(
        _ table: UInt32, _ isOpen: Bool, _ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch
    ) throws {
        guard let tail = tails[table] else { return }
        if !isOpen {
            try session.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try session.connection.execute(tail.sql.openCursor)
            tails[table]?.place = .bulk(isOpen: true)
        }
        let now = context.clock.wallMilliseconds()
        var bytes = 0, rows = 0, isOver = false
        while rows < pageRows, bytes < options.batchBytes, !isOver {
            var fetched = try bulkRows ?? FetchedRows(result: session.connection.execute(RowSQL.fetch(PostgresRowsTask.fetchRows)))
            while fetched.next < fetched.result.rowCount, rows < pageRows, bytes < options.batchBytes {
                try fetched.result.withBytes(fetched.next, 0) { image in
                    guard let image else { throw ChangeRow.malformed }
                    bytes += image.count
                    try append(ImagePage.Row(first: nil, second: nil, image: image), op: UInt8(ascii: "r"), table, session, now: now, into: &batch)
                }
                fetched.next += 1
                rows += 1
            }
            let isUsedUp = fetched.next == fetched.result.rowCount
            isOver = isUsedUp && fetched.result.rowCount < PostgresRowsTask.fetchRows
            bulkRows = isUsedUp ? nil : fetched
        }
        if isOver {
            try session.connection.execute("COMMIT")
            tails[table]?.place = .bulk(isOpen: false)
            tails[table]?.due = due(context)
        }
        resize(bytes: bytes, rows: rows)
    }

    /// Rows of a whole table that are fetched at once, and those of them that no page had room for yet.
    static let fetchRows = 100
    struct FetchedRows {
        let result: QueryResult
        var next = 0
    }
}
