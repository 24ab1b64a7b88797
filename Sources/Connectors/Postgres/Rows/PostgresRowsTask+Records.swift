internal import ConnectRuntime
internal import Postgres

extension PostgresRowsTask {
    /// Appends the record of one row. An image that does not go with the table we know has the table looked up anew.
    func append(
        _ row: ImagePage.Row, op: UInt8, id: Int64 = 0, xid: UInt64 = 0, _ table: UInt32, _ session: TailSession, now: Int64, into batch: inout RecordBatch
    ) throws {
        guard let tail = tails[table] else { return }
        let change = Change(id: id, xid: xid, milliseconds: now, table: table, op: op, before: nil, after: row.image)
        let start = batch.count
        do {
            try tail.records.append(change, isTolerant: false, now: now, to: &batch)
            return
        } catch is ImageDecoder.Surprise {
            batch.entries.removeLast(batch.count - start)
        }
        if let altered = try PostgresCatalog(connection: session.connection).describe([table]).first.map({ $0.mapped(options.types.numerics) }),
            altered != tail.records.table
        {
            context?.logger.info("table \(altered.display) was altered: going on with its new columns")
            tails[table]?.records = try makeRecords(altered, partition: tail.partition)
        }
        guard let records = tails[table]?.records else { return }
        do {
            try records.append(change, isTolerant: false, now: now, to: &batch)
        } catch let surprise as ImageDecoder.Surprise {
            batch.entries.removeLast(batch.count - start)
            guard case .value(let column, let expected) = surprise else {
                throw ConnectError(
                    .retriable, code: "postgres.source.table_changed", "table \(records.table.display) is being altered: its rows and its columns do not go together")
            }
            throw ConnectError(
                .fatal, code: "postgres.source.value", "a row of table \(records.table.display) has in column \(column) a value that should be \(expected)",
                suggestion: "decimal.special, decimal.handling.mode and temporal.infinity say how values without a place in their type travel")
        }
    }

    /// The records of a page since the last that has an offset: a page may be more than one transaction of the log takes.
    struct Piece {
        /// Where it begins in the batch.
        var start: Int
        private(set) var bytes = 0

        init(start: Int) { self.start = start }
        func isFull(before image: UnsafeRawBufferPointer) -> Bool { bytes + image.count > RecordPiece.mostBytes }
        mutating func add(_ image: UnsafeRawBufferPointer) { bytes += image.count }
    }

    /// Ends a piece with the offset up to it; what was added is able to become durable without what follows.
    func close(_ piece: inout Piece, _ table: UInt32, _ offset: SourceOffset, into batch: inout RecordBatch) {
        guard batch.count > piece.start else { return }
        close(table, offset, since: piece.start, into: &batch)
        piece = Piece(start: batch.count)
    }

    /// Gives the last record the offset; without a record, an entry that only carries it.
    func close(_ table: UInt32, _ offset: SourceOffset, since start: Int, into batch: inout RecordBatch) {
        guard let tail = tails[table] else { return }
        let origin = Origin.source(SourceOrigin(partition: tail.partition, offset: offset))
        if batch.count > start {
            batch.entries[batch.count - 1] = RecordBatch.Entry(record: batch.entries[batch.count - 1].record, origin: origin)
        } else {
            var entry = RecordBatch.Entry(record: Record(topic: tail.records.topic), origin: origin)
            entry.outcome = .filtered
            batch.entries.append(entry)
        }
    }

    /// Waits until everything that was visible before this call is flushed.
    func fence(_ session: TailSession) throws {
        if isStandby { return }
        try session.fence(session.moment())
    }

    func resize(bytes: Int, rows: Int) {
        guard rows > 0 else { return }
        pageRows = max(1, min(options.batchRows, options.batchBytes / max(1, bytes / rows)))
    }
}
