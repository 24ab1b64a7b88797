internal import ConnectRuntime
internal import SQLite

/// The steps of a batch's transaction.
extension SqliteSinkSession {
    typealias Statements = SqliteStatements

    func advance(_ partition: TopicPartition, _ claim: SinkClaim, to next: Int64, logEpoch: Int32?) throws {
        try SqlitePositions.advance(advanceStatement, database, connector: connector, partition, claim, to: next, logEpoch: logEpoch)
    }

    func prepare(_ layout: SqliteLayout) throws -> Bool {
        try SqliteTarget(database: database, file: plan.path, plan: plan.rows, logger: logger, known: known).prepare(layout)
    }

    func apply(_ steps: ArraySlice<Segments.Step>, of segments: Segments, _ batch: RecordBatch, atFault: inout Int?) throws {
        for step in steps {
            guard let change = segments.change(of: step) else { continue }
            guard case .ready(let statements) = change.layout.state else { throw change.unprepared }
            atFault = change.entry
            switch change.action {
            case .truncate:
                try reach("truncate")
                try statements.truncate.run()
            case .delete: try delete(change, statements, batch)
            case .write:
                // What the deleted row had in columns that this one does not set must not come back.
                if !statements.setsAll, plan.rows.insertMode == .upsert, segments.hasDeletionBeneath(step) { try delete(change, statements, batch) }
                guard let write = statements.write else { continue }
                try reach("write")
                try bind(change, statements, batch, write, change.layout.columns.count)
                try write.run()
            }
        }
    }

    private func delete(_ change: SinkChange<SqliteStatements>, _ statements: SqliteStatements, _ batch: RecordBatch) throws {
        guard let delete = statements.delete else { return }
        try reach("delete")
        try bind(change, statements, batch, delete, change.layout.keyCount)
        try delete.run()
    }

    @inline(__always)
    private func bind(_ change: SinkChange<SqliteStatements>, _ statements: SqliteStatements, _ batch: RecordBatch, _ statement: Statement, _ count: Int) throws {
        scratch.clear()
        let layout = change.layout
        for index in 0..<count {
            try SqliteBinding.bind(
                layout.value(index, change, batch), statements.encodings[index], layout.columns[index].name, scratch, to: statement,
                at: Int32(truncatingIfNeeded: index + 1))
        }
    }

    /// Statements run at once: nothing is kept back.
    func settle() throws {}
    func settleConstraints() throws {}

    func commit() throws {
        try database.execute("COMMIT")
        try reach("committed")
    }

    func rollBack() { database.rollBack() }

    func setSavepoint() throws { try database.execute("SAVEPOINT attempt") }
    func releaseSavepoint() throws { try database.execute("RELEASE attempt") }
    func returnToSavepoint() throws { try database.execute("ROLLBACK TO attempt; RELEASE attempt") }

    var isInTransaction: Bool { database.isInTransaction }

    func isRecordsFault(_ error: any Error) -> Bool {
        guard let error = error as? SQLiteError else { return false }
        switch error.code {
        case .constraint, .mismatch, .tooBig, .range: return true
        default: return false
        }
    }

    /// The schema's version tells it before.
    func isStale(_ error: any Error) -> Bool { false }

    /// BUSY leaves the transaction open: surely not committed, as a broken constraint does. Anything else may have reached the disk.
    func leavesDoubt(_ error: any Error) -> Bool {
        guard let error = error as? SQLiteError else { return false }
        return error.code != .busy && error.code != .constraint
    }

    func dataError(_ error: any Error) -> ConnectError {
        guard let error = error as? SQLiteError else { return ConnectError(error) }
        if error.code == .mismatch {
            return ConnectError(
                .data, code: "sink.refused", "the table refuses the record: the column that is its INTEGER PRIMARY KEY takes integers only (\(error.message))",
                suggestion: "give the table a key of the values' type, or convert the field with a transform", causes: ["SQLite error \(error.extendedCode)"])
        }
        return ConnectError(
            .data, code: error.code == .constraint ? "sink.constraint" : "sink.refused", "the table refuses the record: \(error.message)",
            causes: ["SQLite error \(error.extendedCode)"])
    }

    func reach(_ point: String) throws { try fault?(point) }
}
