package import ConnectRuntime
internal import SQLite

/// Writes batches into a SQLite file: rows and positions in one IMMEDIATE transaction per `put`.
package final class SqliteSinkTask: SinkTask {
    private var plan: SqliteSinkPlan?
    private var context: (any SinkTaskContext)?
    private var reader: SinkReader<SqliteStatements>?
    private var connection: SqliteSinkSession?
    private var known: FileIdentity?
    private var claims: [TopicPartition: SinkClaim] = [:]
    /// After a COMMIT with an unknown end: the claims have to be looked up again before anything else is written.
    private var isInDoubt = false

    /// Names this run of this task in the target; nobody else writes it.
    private var owner = ""

    /// For tests: called before every statement with its kind, and after COMMIT; what it throws is what SQLite would have failed with.
    /// Nothing sets it outside of them.
    package var fault: ((String) throws -> Void)? {
        didSet { connection?.fault = fault }
    }

    package init() {}

    package func start(_ config: Config, context: any SinkTaskContext) throws {
        let plan = try SqliteSinkPlan(config)
        self.plan = plan
        self.context = context
        reader = SinkReader(plan.rows)
        owner = "\(context.connector)-\(context.task)/\(context.epoch)/\(String(UInt64.random(in: .min ... .max), radix: 36))"
        try translated(plan) { _ = try connect(plan, context) }
    }

    package func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] {
        guard let plan, let context else { return [:] }
        return try translated(plan) {
            let connection = try connect(plan, context)
            try connection.begin(wake: context.wakeUp)
            defer { connection.database.rollBack() }
            connection.topics.formUnion(partitions.map(\.topicPartition.topic))
            try connection.refuseLoops()
            try SqlitePositions.makeTable(connection.database)
            var found: [TopicPartition: SinkClaim] = [:]
            for partition in partitions {
                found[partition.topicPartition] = try SqlitePositions.claim(
                    connection.database, connector: context.connector, owner: owner, partition, plan.rows)
            }
            try connection.database.execute("COMMIT")
            claims.merge(found) { $1 }
            return found.mapValues(\.next)
        }
    }

    package func put(_ batch: RecordBatch) throws {
        guard let plan, let context, let reader, !batch.isEmpty else { return }
        try translated(plan) {
            let connection = try connect(plan, context)
            if isInDoubt { try lookAgain(connection, context) }
            var put = SinkPut(batch, plan: plan.rows, context: context, reader: reader, session: connection, claims: claims)
            try put.run { committed in
                claims.merge(committed) { $1 }
            } inDoubt: {
                isInDoubt = true
            }
        }
    }

    package func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] {
        guard let plan, let context else { return [:] }
        // Records at the end that were filtered move the target's position too, or retention would seem to have cut a hole.
        let ahead = offsets.compactMap { partition, offset in claims[partition].flatMap { $0.next < offset.offset ? (partition, $0, offset) : nil } }
        if !ahead.isEmpty, !isInDoubt {
            try translated(plan) {
                let connection = try connect(plan, context)
                try connection.begin(wake: context.wakeUp)
                defer { connection.database.rollBack() }
                for (partition, claim, offset) in ahead {
                    try SqlitePositions.advance(
                        connection.advanceStatement, connection.database, connector: context.connector, partition, claim, to: offset.offset,
                        logEpoch: offset.leaderEpoch < 0 ? nil : offset.leaderEpoch)
                }
                isInDoubt = true
                try connection.database.execute("COMMIT")
                isInDoubt = false
                for (partition, claim, offset) in ahead { claims[partition] = SinkClaim(epoch: claim.epoch, next: offset.offset, isResumed: claim.isResumed) }
            }
        }
        return offsets.filter { claims[$0.key] != nil }.mapValues {
            CommittedOffset(offset: $0.offset, leaderEpoch: $0.leaderEpoch, metadata: SinkResume.groupMetadata)
        }
    }

    package func close(_ partitions: [TopicPartition], lost: Bool) {
        for partition in partitions { claims[partition] = nil }
        connection?.topics = Set(claims.keys.map(\.topic))
    }

    package func stop() { disconnect() }

    // MARK: the connection

    private func connect(_ plan: SqliteSinkPlan, _ context: any SinkTaskContext) throws -> SqliteSinkSession {
        if let connection, connection.database.isOpen { return connection }
        // What is claimed was claimed in one file: no other may take the records that come next, nor a new one be made in its place.
        if !claims.isEmpty, let known {
            let found = FileIdentity(plan.path)
            if found == nil { throw SqliteSinkSession.gone(plan.path, isReplaced: false) }
            if found != known {
                throw ConnectError(
                    .fatal, code: "sink.target_replaced", "\(plan.path) is another file than the one this task wrote to",
                    suggestion: "put the right file back and restart the task; to fill this one, stop the connector and reset its offsets")
            }
        }
        let opened = try SqliteSinkSession(plan, connector: context.connector, cluster: context.clusterID, logger: context.logger)
        opened.topics = Set(claims.keys.map(\.topic))
        opened.fault = fault
        reader?.forget()
        connection = opened
        known = opened.identity
        return opened
    }

    private func disconnect() {
        connection?.database.close()
        connection = nil
        reader?.forget()
    }

    /// Reads what a COMMIT with an unknown end has left: every claim must still be ours; its offset tells what was written.
    private func lookAgain(_ connection: SqliteSinkSession, _ context: any SinkTaskContext) throws {
        try connection.begin(wake: context.wakeUp)
        defer { connection.database.rollBack() }
        var found: [TopicPartition: SinkClaim] = [:]
        for (partition, claim) in claims {
            let row = try SqlitePositions.row(connection.database, connector: context.connector, partition)
            guard let row, equalBytes(row.owner, owner), row.epoch >= claim.epoch, row.next >= claim.next else {
                throw ConnectError(
                    .fenced, code: "sink.fenced", "after a COMMIT of unknown outcome \(partition) is another task's in the target: this one (epoch \(claim.epoch)) writes nothing more")
            }
            // A new epoch: whatever the lost connection may still hold open cannot come after this.
            let epoch = row.epoch &+ 1
            found[partition] = SinkClaim(epoch: epoch, next: row.next, isResumed: claim.isResumed)
            try SqlitePositions.renew(connection.database, connector: context.connector, partition, epoch: epoch)
        }
        try connection.database.execute("COMMIT")
        claims = found
        isInDoubt = false
    }

    private func translated<R>(_ plan: SqliteSinkPlan, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as SQLiteError {
            // The connection that failed is closed, which ends its transaction; locks and interrupts leave it sound.
            if !error.mayPass || isInDoubt { disconnect() }
            throw error.connectError("cannot write", file: plan.path)
        }
    }
}
