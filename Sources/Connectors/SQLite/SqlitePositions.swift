internal import ConnectRuntime
internal import SQLite

/// The sink's positions in its target: one row per partition of a connector, claimed by an epoch, moved in the transaction of the rows.
enum SqlitePositions {
    static let table = "connectd_sink_offset"

    struct Row {
        let topicID: String
        /// −1: reset by hand, start as if there were no row. The epoch lives on.
        let next: Int64
        let epoch: Int64
        /// Which run of which task claimed it.
        let owner: String
        let lastLogEpoch: Int32?
    }

    static func makeTable(_ database: Database) throws {
        guard try SqliteCatalog.sql(database, type: "table", name: table) == nil else { return }
        try database.execute(
            """
            CREATE TABLE \(table) (connector TEXT NOT NULL, topic TEXT NOT NULL, part INTEGER NOT NULL, topic_id TEXT NOT NULL, next_offset INTEGER NOT NULL, \
            epoch INTEGER NOT NULL, owner TEXT NOT NULL, last_log_epoch INTEGER, PRIMARY KEY (connector, topic, part)) WITHOUT ROWID
            """)
    }

    static func row(_ database: Database, connector: Name, _ partition: TopicPartition) throws -> Row? {
        let statement = try database.prepare(
            "SELECT topic_id, next_offset, epoch, last_log_epoch, owner FROM main.\(table) WHERE connector = ?1 AND topic = ?2 AND part = ?3", isKept: false)
        defer { statement.finalize() }
        try bindKey(statement, connector, partition)
        guard try statement.step() else { return nil }
        return Row(
            topicID: statement.string(at: 0), next: statement.int64(at: 1), epoch: statement.int64(at: 2), owner: statement.string(at: 4),
            lastLogEpoch: statement.type(at: 3) == .null ? nil : Int32(truncatingIfNeeded: statement.int64(at: 3)))
    }

    /// Takes a partition over: whoever held it before is fenced from now on. Inside the caller's IMMEDIATE transaction, so a zombie's open one was waited for.
    static func claim(
        _ database: Database, connector: Name, owner: String, _ assigned: AssignedPartition, _ plan: SinkPlan
    ) throws -> SinkClaim {
        let found = try row(database, connector: connector, assigned.topicPartition)
        let takeover = try SinkTakeover(
            topicID: found?.topicID, next: found?.next, epoch: found?.epoch, lastLogEpoch: found?.lastLogEpoch, assigned, plan, table: table)
        let statement = try database.prepare(
            """
            INSERT INTO main.\(table) (connector, topic, part, topic_id, next_offset, epoch, owner, last_log_epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (connector, topic, part) DO UPDATE SET topic_id = excluded.topic_id, next_offset = excluded.next_offset, epoch = excluded.epoch, \
            owner = excluded.owner, last_log_epoch = excluded.last_log_epoch
            """, isKept: false)
        defer { statement.finalize() }
        try bindKey(statement, connector, assigned.topicPartition)
        try statement.bind(text: assigned.topicID.description, at: 4)
        try statement.bind(takeover.claim.next, at: 5)
        try statement.bind(takeover.claim.epoch, at: 6)
        try statement.bind(text: owner, at: 7)
        if let epoch = takeover.lastLogEpoch { try statement.bind(Int64(epoch), at: 8) }
        try statement.run()
        return takeover.claim
    }

    /// Moves a position by hand under a new epoch; `nil` resets it. Without a row there is nothing to move: the group's offset counts.
    static func move(_ database: Database, connector: Name, _ partition: TopicPartition, to offset: Int64?) throws {
        guard try SqliteCatalog.sql(database, type: "table", name: table) != nil else { return }
        let statement = try database.prepare(
            "UPDATE main.\(table) SET next_offset = ?4, epoch = epoch + 1, owner = '', last_log_epoch = NULL WHERE connector = ?1 AND topic = ?2 AND part = ?3",
            isKept: false)
        defer { statement.finalize() }
        try bindKey(statement, connector, partition)
        try statement.bind(offset ?? -1, at: 4)
        try statement.run()
    }

    /// Gives a partition of ours a new epoch.
    static func renew(_ database: Database, connector: Name, _ partition: TopicPartition, epoch: Int64) throws {
        let statement = try database.prepare("UPDATE main.\(table) SET epoch = ?4 WHERE connector = ?1 AND topic = ?2 AND part = ?3", isKept: false)
        defer { statement.finalize() }
        try bindKey(statement, connector, partition)
        try statement.bind(epoch, at: 4)
        try statement.run()
    }

    static func prepareAdvance(_ database: Database) throws -> Statement {
        try database.prepare(
            "UPDATE main.\(table) SET next_offset = ?4, last_log_epoch = coalesce(?7, last_log_epoch) WHERE connector = ?1 AND topic = ?2 AND part = ?3 AND epoch = ?5 AND next_offset = ?6"
        )
    }

    /// The fence: moves the position, or fails when somebody else has claimed the partition since.
    static func advance(
        _ statement: Statement, _ database: Database, connector: Name, _ partition: TopicPartition, _ claim: SinkClaim, to next: Int64, logEpoch: Int32?
    ) throws {
        try bindKey(statement, connector, partition)
        try statement.bind(next, at: 4)
        try statement.bind(claim.epoch, at: 5)
        try statement.bind(claim.next, at: 6)
        if let logEpoch { try statement.bind(Int64(logEpoch), at: 7) } else { try statement.bindNull(at: 7) }
        try statement.run()
        if database.changes != 1 {
            throw ConnectError(
                .fenced, code: "sink.fenced", "another task has claimed \(partition) in the target: this one (epoch \(claim.epoch), offset \(claim.next)) writes nothing more")
        }
    }

    private static func bindKey(_ statement: Statement, _ connector: Name, _ partition: TopicPartition) throws {
        try statement.bind(text: connector.text, at: 1)
        try statement.bind(text: partition.topic.text, at: 2)
        try statement.bind(Int64(partition.partition), at: 3)
    }
}
