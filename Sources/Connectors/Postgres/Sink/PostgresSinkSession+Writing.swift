internal import ConnectRuntime
internal import Postgres

/// Changes as statements: consecutive ones of the same kind go together.
extension PostgresSinkSession {
    typealias Change = SinkChange<PostgresStatements>

    /// From so many rows on, COPY is faster than arrays.
    static let copyRows = 500
    /// More columns than this go by COPY at any number of rows: an array each would be much for the server to unnest.
    static let mostArrays = 100

    func prepare(_ layout: PostgresLayout) throws -> Bool { try PostgresTarget(session: self, plan: plan.rows, logger: logger).prepare(layout) }

    func apply(_ steps: ArraySlice<Segments.Step>, of segments: Segments, _ batch: RecordBatch, atFault: inout Int?) throws {
        var group: [Change] = [], revived: [Change] = []
        var keys: Set<[Value]> = []
        func flush() throws {
            guard let first = group.first, case .ready(let statements) = first.layout.state else { return }
            // What deleted rows had in columns that their successors do not set must not come back.
            if !revived.isEmpty { try run(revived, .delete, statements, batch) }
            try run(group, first.action, statements, batch)
            group.removeAll(keepingCapacity: true)
            revived.removeAll(keepingCapacity: true)
            keys.removeAll(keepingCapacity: true)
        }
        for step in steps {
            guard let change = segments.change(of: step) else { continue }
            guard case .ready(let statements) = change.layout.state else { throw change.unprepared }
            // One statement meets a row once: the same key again begins another.
            let repeats = statements.keepsOrder && !change.key.isEmpty && plan.rows.insertMode != .insert
            if let first = group.first, first.layout !== change.layout || first.action != change.action || change.action == .truncate { try flush() }
            if repeats, !keys.insert(statements.identity(of: change.key)).inserted {
                try flush()
                keys.insert(statements.identity(of: change.key))
            }
            group.append(change)
            if change.action == .write, !statements.setsAll, plan.rows.insertMode == .upsert, segments.hasDeletionBeneath(step) { revived.append(change) }
        }
        try flush()
    }

    private func run(_ changes: [Change], _ action: Change.Action, _ statements: PostgresStatements, _ batch: RecordBatch) throws {
        switch action {
        case .truncate:
            try reach("truncate")
            ask(.sql(statements.truncate), .write)
        case .delete:
            guard let delete = statements.delete else { return }
            try reach("delete")
            let rows = RowText(batch: batch, columns: statements.columns, indexes: Array(0..<statements.keyCount))
            try send(changes, rows, delete, statements.deleteStage, copy: nil)
        case .write:
            guard let write = statements.write else { return }
            try reach("write")
            let rows = RowText(batch: batch, columns: statements.columns, indexes: statements.written)
            try send(changes, rows, write, statements.writeStage, copy: statements.copy)
        }
    }

    private func send(
        _ changes: [Change], _ rows: RowText, _ sql: String, _ stage: PostgresStatements.Stage?, copy: String?
    ) throws {
        let isMany = changes.count >= PostgresSinkSession.copyRows || rows.indexes.count > PostgresSinkSession.mostArrays
        if isMany, let copy {
            try self.copy(copy, try rows.lines(changes))
        } else if isMany, let stage {
            let lines = try rows.lines(changes)
            ask(.sql(stage.make))
            if !usedStages.insert(stage.name).inserted { ask(.sql("TRUNCATE \(stage.name)")) }
            try self.copy(stage.copy, lines)
            ask(.sql(stage.statement), .write)
        } else {
            let parameters = try rows.arrays(changes)
            ask(.prepared(try prepared(sql), parameters), .write)
        }
    }

    private func copy(_ sql: String, _ lines: [UInt8]) throws {
        try settle()
        try connection.beginCopyIn(sql)
        try connection.putCopy(lines)
        try connection.endCopyIn()
    }
}
