internal import ConnectRuntime

/// One batch on its way into the target.
///
/// First all of it in one go. Where a record is at fault, everything is rolled back and applied again with savepoints, halved until the bad
/// ones are found; they are reported before the COMMIT, so that no dead letter can be lost, and the position moves past them with the rest.
struct SinkPut<Session: SinkSession> {
    typealias Change = SinkChange<Session.Statements>
    typealias Segments = SinkSegments<Session.Statements>

    private let batch: RecordBatch
    private let plan: SinkPlan
    private let context: any SinkTaskContext
    private let reader: SinkReader<Session.Statements>
    private let session: Session
    private let claims: [TopicPartition: SinkClaim]
    private var changes: [Change] = []
    private var bad: [Int: ConnectError] = [:]
    private var passedOver = 0
    private var ends: [(partition: TopicPartition, claim: SinkClaim, next: Int64, epoch: Int32)] = []

    init(
        _ batch: RecordBatch, plan: SinkPlan, context: any SinkTaskContext, reader: SinkReader<Session.Statements>, session: Session,
        claims: [TopicPartition: SinkClaim]
    ) {
        self.batch = batch
        self.plan = plan
        self.context = context
        self.reader = reader
        self.session = session
        self.claims = claims
    }

    /// A record is at fault: apply it all again, carefully.
    private struct NeedsCare: Error {}
    /// A transaction that a record's statement has ended as a whole: start again without that record.
    private struct TransactionEnded: Error {}
    /// Tables are not what they were: look at them anew.
    private struct Stale: Error { let error: any Error }
    /// How often tables may turn out to have changed under one batch.
    private static var mostStale: Int { 3 }

    mutating func run(committed: ([TopicPartition: SinkClaim]) -> Void, inDoubt: () -> Void) throws {
        try read()
        if ends.isEmpty { return }
        var givenUp: Set<Int> = []
        var isCareful = false
        var staleness = 0
        // Every round but the last gives up one record more, begins to be careful, or has looked at the tables anew.
        for _ in 0...(changes.count + 1 + Self.mostStale) {
            do {
                try attempt(givenUp: &givenUp, isCareful: isCareful, inDoubt: inDoubt)
                committed(Dictionary(ends.map { ($0.partition, SinkClaim(epoch: $0.claim.epoch, next: $0.next, isResumed: $0.claim.isResumed)) }) { $1 })
                if passedOver > 0 { context.metrics.recordsFiltered.add(passedOver) }
                return
            } catch is NeedsCare {
                isCareful = true
                // What makes rows depend on each other may be new.
                forget()
            } catch is TransactionEnded {
                isCareful = true
            } catch let stale as Stale {
                staleness += 1
                if staleness > Self.mostStale { throw stale.error }
                forget()
            }
        }
        throw ConnectError(.fatal, code: "sink.no_progress", "the target ends every transaction of this batch", suggestion: "look for triggers with RAISE(ROLLBACK)")
    }

    private func forget() {
        reader.forget()
        for change in changes { change.layout.state = .unknown }
    }

    /// Records to changes, without the target. Records the target has already are left out: a replay after a COMMIT that only seemed to fail.
    private mutating func read() throws {
        changes.reserveCapacity(batch.count)
        var lastSource: ConsumedRecords?
        var place = -1
        var places: [TopicPartition: Int] = [:]
        for index in batch.entries.indices {
            guard case .log(let origin) = batch.entries[index].origin else { continue }
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
                if let change = try reader.change(batch.entries[index].record, entry: index) { changes.append(change) } else { passedOver += 1 }
            } catch let error as ConnectError where error.kind == .data {
                bad[index] = error
            }
        }
        ends.removeAll { $0.next == $0.claim.next }
        // The same order in every task: two of them never wait for each other's positions.
        if ends.count > 1 { ends.sort { $0.partition < $1.partition } }
    }

    private func attempt(givenUp: inout Set<Int>, isCareful: Bool, inDoubt: () -> Void) throws {
        var isCommitted = false
        var changedSchema = false
        defer {
            if !isCommitted {
                session.rollBack()
                if changedSchema {
                    forget()
                    try? session.schemaChangeEnded(committed: false)
                }
            }
        }
        try session.begin(wake: context.wakeUp)
        for end in ends {
            try session.reach("fence")
            try session.advance(end.partition, end.claim, to: end.next, logEpoch: end.epoch < 0 ? nil : end.epoch)
        }
        if try session.hasNewSchema() { reader.forget() }
        var bad = bad
        for (entry, error) in failures where givenUp.contains(entry) { bad[entry] = error }
        var segments = Segments(plan.insertMode, capacity: changes.count)
        try checked(isCareful) {
            try prepare(givenUp, &changedSchema)
            if session.watchesLoops() { try refuseLoops() }
        }
        // Looked at once for all changes of a layout that follow each other.
        var ready: (layout: Session.Layout, statements: Session.Statements)?
        for change in changes where givenUp.isEmpty || !givenUp.contains(change.entry) {
            if let ready, ready.layout === change.layout {
                segments.add(change, ready.statements)
                continue
            }
            switch change.layout.state {
            case .unknown: throw change.unprepared
            case .absent: continue
            case .refused(let error): bad[change.entry] = error
            case .ready(let statements):
                ready = (change.layout, statements)
                segments.add(change, statements)
            }
        }
        let steps = segments.steps { layout in
            if case .ready(let statements) = layout.state { return statements.keepsOrder }
            return false
        }
        if isCareful {
            try checked(true) { try applyCarefully(steps, &segments, &bad, &givenUp) }
        } else {
            var atFault: Int?
            try checked(false) { try session.apply(steps[...], of: segments, batch, atFault: &atFault) }
        }
        if !bad.isEmpty {
            try checked(isCareful) { try session.settle() }
            try report(bad)
        }
        if changedSchema { try checked(isCareful) { try session.schemaChangeEnded(committed: true) } }
        try session.reach("commit")
        do {
            try checked(isCareful) { try session.commit() }
        } catch {
            if session.leavesDoubt(error) { inDoubt() }
            throw error
        }
        isCommitted = true
    }

    /// Runs a part of the transaction and sorts its errors.
    private func checked(_ isCareful: Bool, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            if session.isStale(error) { throw Stale(error: error) }
            if !isCareful, isRecordsFault(error) { throw NeedsCare() }
            throw error
        }
    }

    private func isRecordsFault(_ error: any Error) -> Bool { session.isRecordsFault(error) || (error as? ConnectError)?.kind == .data }

    /// Brings every layout of the batch together with its table before the first change is taken. Who makes or changes one table makes all be
    /// looked at anew, so this goes round until nothing changes any more; tables and columns are only added, never taken away.
    private func prepare(_ givenUp: Set<Int>, _ changedSchema: inout Bool) throws {
        for _ in 0...changes.count {
            var isSettled = true
            var settled: Session.Layout?
            for change in changes where change.layout !== settled {
                guard case .unknown = change.layout.state, !givenUp.contains(change.entry) else {
                    if case .unknown = change.layout.state { continue }
                    settled = change.layout
                    continue
                }
                try session.reach("ddl")
                if case .log(let origin) = batch.entries[change.entry].origin { change.layout.isResumed = claims[origin.topicPartition]?.isResumed ?? false }
                if try session.prepare(change.layout) {
                    changedSchema = true
                    isSettled = false
                    settled = nil
                    forget()
                }
            }
            if isSettled { return }
        }
    }

    /// Whether a topic of the batch goes into the very table it comes from.
    private func refuseLoops() throws {
        var lastLayout: Session.Layout?, lastSource: ConsumedRecords?
        for change in changes {
            guard case .log(let origin) = batch.entries[change.entry].origin else { continue }
            if change.layout === lastLayout, origin.source === lastSource { continue }
            lastLayout = change.layout
            lastSource = origin.source
            try session.refuseLoop(change.layout, from: origin.topicPartition.topic)
        }
    }

    private func applyCarefully(_ steps: [Segments.Step], _ segments: inout Segments, _ bad: inout [Int: ConnectError], _ givenUp: inout Set<Int>) throws {
        var present = segments
        var found: [Int: ConnectError] = [:]
        var lost: Set<Int> = []
        var atFault: Int?
        defer { segments = present }
        do {
            try SinkBisection.run(
                0..<steps.count,
                apply: { range in
                    try session.setSavepoint()
                    do {
                        atFault = nil
                        try session.apply(steps[range], of: present, batch, atFault: &atFault)
                        try session.settleConstraints()
                    } catch {
                        guard session.isInTransaction else {
                            if session.isRecordsFault(error), let atFault {
                                lost.insert(atFault)
                                failures.set(atFault, session.dataError(error))
                                throw TransactionEnded()
                            }
                            throw error
                        }
                        if isRecordsFault(error) { try session.returnToSavepoint() }
                        throw error
                    }
                    try session.releaseSavepoint()
                },
                isBad: { isRecordsFault($0) },
                replace: { index, error in
                    if let change = present.change(of: steps[index]) { found[change.entry] = session.dataError(error) }
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
        let failures = bad.sorted { $0.key < $1.key }.map { index, error -> (entry: RecordBatch.Entry, error: ConnectError) in
            let entry = batch.entries[index]
            guard case .log(let origin) = entry.origin else { return (entry, error) }
            return (entry, error.context("\(origin.topicPartition) offset \(origin.offset)"))
        }
        try session.reach("report")
        guard let reporter = context.reporter else { throw failures[0].error }
        try reporter.report(failures)
    }
}
