package import ConnectRuntime
internal import Postgres

/// Writes batches into a PostgreSQL database: rows and positions in one transaction per `put`.
package final class PostgresSinkTask: SinkTask {
    static let errorPrefix = "postgres.sink"
    /// A table changed while it was looked at, or another task makes it too.
    static let changedCode = "postgres.sink.changed"

    private var plan: PostgresSinkPlan?
    private var context: (any SinkTaskContext)?
    private var reader: SinkReader<PostgresStatements>?
    private var session: PostgresSinkSession?
    private var claims: [TopicPartition: SinkClaim] = [:]
    /// After a COMMIT with an unknown end: the claims have to be looked up again before anything else is written.
    private var isInDoubt = false
    /// Names this run of this task in the target; nobody else writes it.
    private var owner = ""

    /// For tests: called before every step with its kind, and after COMMIT; what it throws is what the server would have failed with.
    /// Nothing sets it outside of them.
    package var fault: ((String) throws -> Void)? {
        didSet { session?.fault = fault }
    }

    /// How often a batch is tried again at once after a deadlock or a conflict, before the runner backs off.
    private static let quickRetries = 3

    package init() {}

    package func start(_ config: Config, context: any SinkTaskContext) throws {
        let plan = try PostgresSinkPlan(config)
        self.plan = plan
        self.context = context
        reader = SinkReader(plan.rows)
        owner = "\(context.connector)-\(context.task)/\(context.epoch)/\(String(UInt64.random(in: .min ... .max), radix: 36))"
        if !plan.connection.ignored.isEmpty { context.logger.info("without effect in connection.url: \(plan.connection.ignored.joined(separator: ", "))") }
        try translated("connecting") { _ = try connect(plan, context) }
    }

    package func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] {
        guard let plan, let context else { return [:] }
        return try translated("claiming partitions") {
            let session = try connect(plan, context)
            try session.begin(wake: context.wakeUp)
            defer { session.rollBack() }
            try session.settle()
            var found: [TopicPartition: SinkClaim] = [:]
            // In the same order everywhere: two tasks never wait for each other.
            for partition in partitions.sorted(by: { $0.topicPartition < $1.topicPartition }) {
                found[partition.topicPartition] = try session.positions.claim(
                    session.connection, connector: context.connector, owner: owner, partition, plan.rows)
            }
            // If its answer is lost, nothing is: whoever opens again claims again.
            try session.commit()
            claims.merge(found) { $1 }
            return found.mapValues(\.next)
        }
    }

    package func put(_ batch: RecordBatch) throws {
        guard let plan, let context, let reader, !batch.isEmpty else { return }
        try translated("writing") {
            for attempt in 0... {
                do {
                    let session = try connect(plan, context)
                    if isInDoubt { try lookAgain(session, context) }
                    var put = SinkPut(batch, plan: plan.rows, context: context, reader: reader, session: session, claims: claims)
                    return try put.run { committed in
                        claims.merge(committed) { $1 }
                    } inDoubt: {
                        isInDoubt = true
                    }
                } catch where attempt < PostgresSinkTask.quickRetries && PostgresSinkTask.mayPassAtOnce(error) {
                    context.metrics.retries.add()
                    // Apart from whoever we met, and no longer than a stop may wait.
                    if context.wakeUp.wait(milliseconds: Int.random(in: 1...(20 << attempt))) { throw error }
                }
            }
        }
    }

    package func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] {
        guard let plan, let context else { return [:] }
        // Records at the end that were filtered move the target's position too, or retention would seem to have cut a hole.
        let ahead = offsets.compactMap { partition, offset in claims[partition].flatMap { $0.next < offset.offset ? (partition, $0, offset) : nil } }
            .sorted { $0.0 < $1.0 }
        if !ahead.isEmpty, !isInDoubt {
            try translated("moving positions") {
                let session = try connect(plan, context)
                defer { session.rollBack() }
                try session.begin(wake: context.wakeUp)
                for (partition, claim, offset) in ahead {
                    try session.advance(partition, claim, to: offset.offset, logEpoch: offset.leaderEpoch < 0 ? nil : offset.leaderEpoch)
                }
                do {
                    try session.commit()
                } catch {
                    if session.leavesDoubt(error) { isInDoubt = true }
                    throw error
                }
                for (partition, claim, offset) in ahead { claims[partition] = SinkClaim(epoch: claim.epoch, next: offset.offset, isResumed: claim.isResumed) }
            }
        }
        return offsets.filter { claims[$0.key] != nil }.mapValues {
            CommittedOffset(offset: $0.offset, leaderEpoch: $0.leaderEpoch, metadata: SinkResume.groupMetadata)
        }
    }

    package func close(_ partitions: [TopicPartition], lost: Bool) {
        for partition in partitions { claims[partition] = nil }
    }

    package func stop() { disconnect() }

    // MARK: the session

    private func connect(_ plan: PostgresSinkPlan, _ context: any SinkTaskContext) throws -> PostgresSinkSession {
        if let session, session.connection.isOpen, !session.isWornOut { return session }
        disconnect()
        try fault?("connect")
        let opened = try PostgresSinkSession(plan, context: context)
        opened.fault = fault
        session = opened
        return opened
    }

    private func disconnect() {
        session?.connection.close()
        session = nil
        // Prepared statements and stages went with the session.
        reader?.forget()
    }

    /// Reads what a COMMIT with an unknown end has left: every claim must still be ours; its offset tells what was written.
    private func lookAgain(_ session: PostgresSinkSession, _ context: any SinkTaskContext) throws {
        try session.begin(wake: context.wakeUp)
        defer { session.rollBack() }
        try session.settle()
        var found: [TopicPartition: SinkClaim] = [:]
        for (partition, claim) in claims.sorted(by: { $0.key < $1.key }) {
            // Waits for the lost session's transaction, if that still lives.
            let known = try session.positions.row(session.connection, connector: context.connector, partition, makesIt: false)
            if let row = known, row.epoch < claim.epoch { throw rewound(partition, row.next, claim) }
            guard let row = known, equalBytes(row.owner, owner) else {
                throw ConnectError(
                    .fenced, code: "sink.fenced",
                    "after a COMMIT of unknown outcome \(partition) is another task's in the target: this one (epoch \(claim.epoch)) writes nothing more")
            }
            if row.next < claim.next { throw rewound(partition, row.next, claim) }
            // A new epoch: whatever the lost session may still hold open cannot come after this.
            let epoch = row.epoch &+ 1
            found[partition] = SinkClaim(epoch: epoch, next: row.next, isResumed: claim.isResumed)
            try session.positions.renew(session.connection, connector: context.connector, partition, epoch: epoch)
        }
        try session.commit()
        claims = found
        isInDoubt = false
    }

    /// Why the fence hit no row: another task, or a target that forgot what it had committed.
    private func missed(_ missed: PostgresSinkSession.Missed, _ session: PostgresSinkSession, _ context: any SinkTaskContext) throws -> ConnectError {
        session.rollBack()
        let row = try session.positions.row(session.connection, connector: context.connector, missed.partition, makesIt: false)
        // Epochs only grow: one below ours means that the target forgot our claim.
        if let row, row.epoch < missed.claim.epoch || (equalBytes(row.owner, owner) && row.epoch == missed.claim.epoch && row.next < missed.claim.next) { return rewound(missed.partition, row.next, missed.claim) }
        return ConnectError(
            .fenced, code: "sink.fenced",
            "another task has claimed \(missed.partition) in the target: this one (epoch \(missed.claim.epoch), offset \(missed.claim.next)) writes nothing more")
    }

    private func rewound(_ partition: TopicPartition, _ next: Int64, _ claim: SinkClaim) -> ConnectError {
        ConnectError(
            .fatal, code: "sink.target_rewound",
            "the target has \(partition) up to offset \(next), but had committed it up to \(claim.next): it failed over or was restored and lost its end",
            suggestion: "restart the task: it goes on at offset \(next) and writes again what the target lost")
    }

    /// Deadlocks, serialization failures, and tables that others make at the same moment.
    private static func mayPassAtOnce(_ error: any Error) -> Bool {
        if let error = error as? PostgresError { return error.has("40001", "40P01") }
        return (error as? ConnectError)?.code == changedCode
    }

    private func translated<R>(_ doing: String, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let found as PostgresSinkSession.Missed {
            guard let session, let context else { throw ConnectError(found) }
            do { throw try missed(found, session, context) } catch { throw finished(error, doing) }
        } catch { throw finished(error, doing) }
    }

    private func finished(_ error: any Error, _ doing: String) -> any Error {
        guard let error = error as? PostgresError else { return error }
        // A server that became a standby takes no writes; another host of the URL, or the same one later, may.
        if error.family != .transient || error.has("25006") || isInDoubt { disconnect() }
        if error.has("25006") {
            return ConnectError(
                .retriable, code: "\(PostgresSinkTask.errorPrefix).read_only", "\(doing): the server takes no writes (SQLSTATE 25006)",
                suggestion: "name the primary in connection.url, or all hosts with target_session_attrs=read-write")
        }
        return error.connectError(PostgresSinkTask.errorPrefix, doing)
    }
}
