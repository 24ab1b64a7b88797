internal import ConnectRuntime
internal import SQLite

/// One batch on its way into the target.
///
/// First all of it in one go. Where a record is at fault, everything is rolled back and applied again with savepoints, halved until the bad
/// ones are found; they are reported before the COMMIT, so that no dead letter can be lost, and the position moves past them with the rest.
struct SinkPut {
    private let batch: RecordBatch
    private let plan: SqliteSinkPlan
    private let context: any SinkTaskContext
    private let reader: SinkReader
    private let connection: SinkConnection
    private let claims: [TopicPartition: SinkOffsets.Claim]
    private var changes: [SinkChange] = []
    private var bad: [Int: ConnectError] = [:]
    private var passedOver = 0
    private var ends: [(partition: TopicPartition, claim: SinkOffsets.Claim, next: Int64, epoch: Int32)] = []

    init(
        _ batch: RecordBatch, plan: SqliteSinkPlan, context: any SinkTaskContext, reader: SinkReader, connection: SinkConnection,
        claims: [TopicPartition: SinkOffsets.Claim]
    ) {
        self.batch = batch
        self.plan = plan
        self.context = context
        self.reader = reader
        self.connection = connection
        self.claims = claims
    }

    /// A transaction that a record's statement has ended as a whole (`RAISE(ROLLBACK)`): start again without that record.
    private struct TransactionEnded: Error {}

    mutating func run(committed: ([TopicPartition: SinkOffsets.Claim]) -> Void, inDoubt: () -> Void) throws {
        try read()
        if ends.isEmpty { return }
        var givenUp: Set<Int> = []
        var isCareful = false
        // Every round but the last gives up one record more, or begins to be careful.
        for _ in 0...(changes.count + 1) {
            do {
                try attempt(givenUp: &givenUp, isCareful: isCareful, inDoubt: inDoubt)
                committed(Dictionary(ends.map { ($0.partition, SinkOffsets.Claim(epoch: $0.claim.epoch, next: $0.next)) }) { $1 })
                if passedOver > 0 { context.metrics.recordsFiltered.add(passedOver) }
                return
            } catch is NeedsCare {
                isCareful = true
            } catch is TransactionEnded {
                isCareful = true
            }
        }
        throw ConnectError(.fatal, code: "sink.no_progress", "the target ends every transaction of this batch", suggestion: "look for triggers with RAISE(ROLLBACK)")
    }

    private struct NeedsCare: Error {}

    /// Records to changes, without the database. Records the target has already are left out: a replay after a COMMIT that only seemed to fail.
    private mutating func read() throws {
        changes.reserveCapacity(batch.count)
        var lastSource: ConsumedRecords?
        var place = -1
        var places: [TopicPartition: Int] = [:]
        for (index, entry) in batch.entries.enumerated() {
            guard case .log(let origin) = entry.origin else { continue }
            if lastSource !== origin.source {
                lastSource = origin.source
                let partition = origin.topicPartition
                if let known = places[partition] {
                    place = known
                } else {
                    guard let claim = claims[partition] else {
                        throw ConnectError(.fatal, code: "sink.unclaimed", "a record of \(partition) came, which was not opened")
                    }
                    place = ends.count
                    places[partition] = place
                    ends.append((partition, claim, claim.next, -1))
                }
            }
            let offset = origin.offset
            if offset < ends[place].next { continue }
            ends[place].next = offset + 1
            ends[place].epoch = origin.leaderEpoch
            do {
                if let change = try reader.change(entry.record, entry: index) { changes.append(change) } else { passedOver += 1 }
            } catch let error as ConnectError where error.kind == .data {
                bad[index] = error
            }
        }
        ends.removeAll { $0.next == $0.claim.next }
    }

    private func attempt(givenUp: inout Set<Int>, isCareful: Bool, inDoubt: () -> Void) throws {
        let database = connection.database
        try connection.begin(wake: context.wakeUp)
        var isCommitted = false
        var changedSchema = false
        defer {
            if !isCommitted {
                database.rollBack()
                if changedSchema {
                    reader.forget()
                    connection.distrustSchema()
                }
            }
        }
        for end in ends {
            try connection.fault?("fence")
            try SinkOffsets.advance(
                connection.advance, database, connector: context.connector, end.partition, end.claim, to: end.next, logEpoch: end.epoch < 0 ? nil : end.epoch)
        }
        if try connection.hasNewSchema() { reader.forget() }
        let target = SinkTarget(database: database, plan: plan, logger: context.logger)
        var bad = bad
        for (entry, error) in failures where givenUp.contains(entry) { bad[entry] = error }
        var segments = SinkSegments(reduces: plan.insertMode != .insert)
        try prepare(target, givenUp, &changedSchema)
        for change in changes where !givenUp.contains(change.entry) {
            switch change.layout.state {
            case .unknown: throw Self.unprepared(change)
            case .absent: continue
            case .refused(let error): bad[change.entry] = error
            case .ready(let statements): segments.add(change, statements)
            }
        }
        let steps = segments.steps { layout in
            if case .ready(let statements) = layout.state { return statements.keepsOrder }
            return false
        }
        if isCareful {
            try applyCarefully(steps, &segments, &bad, &givenUp)
        } else {
            for step in steps {
                do {
                    try apply(step, segments)
                } catch let error as SQLiteError where Self.isRecordsFault(error) { throw NeedsCare() } catch let error as ConnectError where error.kind == .data {
                    throw NeedsCare()
                }
            }
        }
        try report(bad)
        if changedSchema { try connection.noteOwnSchemaChange() }
        try connection.fault?("commit")
        do {
            try database.execute("COMMIT")
            try connection.fault?("committed")
        } catch let error as SQLiteError {
            // BUSY leaves the transaction open: surely not committed. Anything else may have reached the disk.
            if error.code != .busy { inDoubt() }
            throw error
        }
        isCommitted = true
    }

    /// Brings every layout of the batch together with its table before the first change is taken. Who makes or changes one table makes all be
    /// looked at anew, so this goes round until nothing changes any more; tables and columns are only added, never taken away.
    private func prepare(_ target: SinkTarget, _ givenUp: Set<Int>, _ changedSchema: inout Bool) throws {
        for _ in 0...changes.count {
            var isSettled = true
            for change in changes {
                guard case .unknown = change.layout.state, !givenUp.contains(change.entry) else { continue }
                try connection.fault?("ddl")
                if try target.prepare(change.layout) {
                    changedSchema = true
                    isSettled = false
                    reader.forget()
                }
            }
            if isSettled { return }
        }
    }

    /// A change whose table was not looked at must never be passed over in silence (P4).
    private static func unprepared(_ change: SinkChange) -> ConnectError {
        ConnectError(.fatal, code: "sink.unprepared", "table \(change.layout.table) was not made ready for its changes", suggestion: "restart the task; report this")
    }

    private func applyCarefully(
        _ steps: [SinkSegments.Step], _ segments: inout SinkSegments, _ bad: inout [Int: ConnectError], _ givenUp: inout Set<Int>
    ) throws {
        let database = connection.database
        var present = segments
        var found: [Int: ConnectError] = [:]
        var lost: Set<Int> = []
        var atFault: Int?
        defer { segments = present }
        do {
            try SinkBisection.run(
                0..<steps.count,
                apply: { range in
                    try database.execute("SAVEPOINT attempt")
                    do {
                        for index in range {
                            atFault = present.change(of: steps[index])?.entry
                            try apply(steps[index], present)
                        }
                    } catch {
                        guard database.isInTransaction else {
                            if let sqlite = error as? SQLiteError, Self.isRecordsFault(sqlite), let atFault {
                                lost.insert(atFault)
                                failures.set(atFault, Self.dataError(error))
                                throw TransactionEnded()
                            }
                            throw error
                        }
                        try database.execute("ROLLBACK TO attempt; RELEASE attempt")
                        throw error
                    }
                    try database.execute("RELEASE attempt")
                },
                isBad: { error in
                    if let error = error as? SQLiteError { return Self.isRecordsFault(error) }
                    return (error as? ConnectError)?.kind == .data
                },
                replace: { index, error in
                    if let change = present.change(of: steps[index]) { found[change.entry] = Self.dataError(error) }
                    return present.fallBack(steps[index])
                })
        } catch {
            givenUp.formUnion(lost)
            throw error
        }
        bad.merge(found) { $1 }
    }

    /// Errors of records given up in earlier rounds.
    private let failures = Failures()
    private final class Failures: Sequence {
        private var errors: [Int: ConnectError] = [:]
        func set(_ entry: Int, _ error: ConnectError) { errors[entry] = error }
        func makeIterator() -> Dictionary<Int, ConnectError>.Iterator { errors.makeIterator() }
    }

    /// Reported in the batch's order, with their places.
    private func report(_ bad: [Int: ConnectError]) throws {
        guard !bad.isEmpty else { return }
        let failures = bad.sorted { $0.key < $1.key }.map { index, error -> (entry: RecordBatch.Entry, error: ConnectError) in
            let entry = batch.entries[index]
            guard case .log(let origin) = entry.origin else { return (entry, error) }
            return (entry, error.context("\(origin.topicPartition) offset \(origin.offset)"))
        }
        try connection.fault?("report")
        guard let reporter = context.reporter else { throw failures[0].error }
        try reporter.report(failures)
    }

    private func apply(_ step: SinkSegments.Step, _ segments: SinkSegments) throws {
        guard let change = segments.change(of: step) else { return }
        guard case .ready(let statements) = change.layout.state else { throw Self.unprepared(change) }
        switch change.action {
        case .truncate:
            try connection.fault?("truncate")
            try statements.truncate.run()
        case .delete:
            try delete(change, statements)
        case .write:
            // What the deleted row had in columns that this one does not set must not come back.
            if !statements.setsAll, plan.insertMode == .upsert, segments.hasDeletionBeneath(step) { try delete(change, statements) }
            guard let write = statements.write else { return }
            try connection.fault?("write")
            try bind(change, write, change.layout.columns.count)
            try write.run()
        }
    }

    private func delete(_ change: SinkChange, _ statements: SinkStatements) throws {
        guard let delete = statements.delete else { return }
        try connection.fault?("delete")
        try bind(change, delete, change.layout.keyCount)
        try delete.run()
    }

    @inline(__always)
    private func bind(_ change: SinkChange, _ statement: Statement, _ count: Int) throws {
        let columns = change.layout.columns
        for index in 0..<count {
            let column = columns[index], position = Int32(truncatingIfNeeded: index + 1)
            switch column.origin {
            case .row(let field): try SinkBinding.bind(change.row[field], column.encoding, column.name, to: statement, at: position)
            case .key(let field): try SinkBinding.bind(change.key[field], column.encoding, column.name, to: statement, at: position)
            case .topic, .partition, .offset:
                guard case .log(let origin) = batch.entries[change.entry].origin else { continue }
                switch column.origin {
                case .topic: try statement.bind(text: origin.topicPartition.topic.text, at: position)
                case .partition: try statement.bind(Int64(origin.topicPartition.partition), at: position)
                default: try statement.bind(origin.offset, at: position)
                }
            }
        }
    }

    /// Errors that the same record would meet again, whatever comes before it.
    private static func isRecordsFault(_ error: SQLiteError) -> Bool {
        switch error.code {
        case .constraint, .mismatch, .tooBig, .range: true
        default: false
        }
    }

    private static func dataError(_ error: any Error) -> ConnectError {
        if let error = error as? ConnectError { return error }
        if let error = error as? SQLiteError {
            return ConnectError(
                .data, code: error.code == .constraint ? "sink.constraint" : "sink.refused", "the table refuses the record: \(error.message)",
                causes: ["SQLite error \(error.extendedCode)"])
        }
        return ConnectError(error)
    }
}
