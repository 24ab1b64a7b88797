internal import ConnectRuntime
internal import Postgres

/// The sink's positions in its target: one row per partition of a connector, claimed by an epoch, moved in the transaction of the rows.
struct PostgresPositions {
    let schema: String
    private let table: String

    init(schema: String) {
        self.schema = schema
        table = Quoting.qualified(schema, "sink_offset")
    }

    struct Row {
        let topicID: String
        /// −1: never written, or reset by hand; start as if there were no row. The epoch lives on.
        let next: Int64
        let epoch: Int64
        /// Which run of which task claimed it.
        let owner: String
        let lastLogEpoch: Int32?
    }

    /// Two integers, which an application's locks on single bigints never meet: "conn", "sink".
    private static let lock = "SELECT pg_catalog.pg_advisory_xact_lock(1668247150, 1936289387)"

    func exists(_ connection: Connection) throws(PostgresError) -> Bool {
        try connection.query(
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'sink_offset'",
            [.text(schema)]
        ).rowCount > 0
    }

    /// Makes the table where it is missing, in a transaction of its own.
    func make(_ connection: Connection) throws(PostgresError) {
        for attempt in 0... {
            if try exists(connection) { return }
            do throws(PostgresError) {
                return try makeOnce(connection)
            } catch {
                // Others may make the same schema at the same moment, without our lock.
                guard error.isRaceOfMakers, attempt < 3 else { throw error }
                try connection.execute("ROLLBACK")
            }
        }
    }

    private func makeOnce(_ connection: Connection) throws(PostgresError) {
        let hasSchema = try connection.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [.text(schema)]).rowCount > 0
        try connection.execute(
            """
            BEGIN; \(PostgresPositions.lock); \(hasSchema ? "" : "CREATE SCHEMA IF NOT EXISTS \(Quoting.identifier(schema));")
            CREATE TABLE IF NOT EXISTS \(table) (connector text NOT NULL, topic text NOT NULL, part integer NOT NULL, topic_id text NOT NULL, \
            next_offset bigint NOT NULL, epoch bigint NOT NULL, owner text NOT NULL, last_log_epoch integer, \
            updated_at timestamp with time zone NOT NULL DEFAULT now(), PRIMARY KEY (connector, topic, part));
            COMMIT
            """)
    }

    /// Locks a partition's row until the end of the transaction, waiting for whoever has it; a zombie's open transaction is over then.
    /// - Parameter makesIt: whether a missing one is made, so that two tasks cannot both find nothing.
    func row(_ connection: Connection, connector: Name, _ partition: TopicPartition, makesIt: Bool) throws(PostgresError) -> Row? {
        if makesIt {
            try connection.query(
                "INSERT INTO \(table) (connector, topic, part, topic_id, next_offset, epoch, owner) VALUES ($1, $2, $3, '', -1, 0, '') ON CONFLICT DO NOTHING",
                key(connector, partition))
        }
        let result = try connection.query(
            "SELECT topic_id, next_offset, epoch, owner, last_log_epoch FROM \(table) WHERE connector = $1 AND topic = $2 AND part = $3 FOR UPDATE",
            key(connector, partition))
        guard result.rowCount > 0 else { return nil }
        return Row(
            topicID: result.text(0, 0) ?? "", next: result.integer(0, 1) ?? -1, epoch: result.integer(0, 2) ?? 0, owner: result.text(0, 3) ?? "",
            lastLogEpoch: result.integer(0, 4).map { Int32(truncatingIfNeeded: $0) })
    }

    /// Takes a partition over: whoever held it before is fenced from now on.
    func claim(_ connection: Connection, connector: Name, owner: String, _ assigned: AssignedPartition, _ plan: SinkPlan) throws -> SinkClaim {
        let partition = assigned.topicPartition
        let found = try row(connection, connector: connector, partition, makesIt: true)
        let takeover = try SinkTakeover(
            topicID: found?.topicID, next: found?.next, epoch: found?.epoch, lastLogEpoch: found?.lastLogEpoch, assigned, plan, table: "\(schema).sink_offset")
        try connection.query(
            """
            UPDATE \(table) SET topic_id = $4, next_offset = $5, epoch = $6, owner = $7, last_log_epoch = $8, updated_at = now()
            WHERE connector = $1 AND topic = $2 AND part = $3
            """,
            key(connector, partition) + [
                .text(assigned.topicID.description), .text(String(takeover.claim.next)), .text(String(takeover.claim.epoch)), .text(owner), takeover.lastLogEpoch.map { .text(String($0)) } ?? .null,
            ])
        return takeover.claim
    }

    /// Gives a partition of ours a new epoch.
    func renew(_ connection: Connection, connector: Name, _ partition: TopicPartition, epoch: Int64) throws(PostgresError) {
        try connection.query(
            "UPDATE \(table) SET epoch = $4, updated_at = now() WHERE connector = $1 AND topic = $2 AND part = $3", key(connector, partition) + [.text(String(epoch))])
    }

    /// Moves a position by hand under a new epoch; `nil` resets it. Without a row there is nothing to move: the group's offset counts.
    func move(_ connection: Connection, connector: Name, _ partition: TopicPartition, to offset: Int64?) throws(PostgresError) {
        try connection.query(
            """
            UPDATE \(table) SET next_offset = $4, epoch = epoch + 1, owner = '', last_log_epoch = NULL, updated_at = now()
            WHERE connector = $1 AND topic = $2 AND part = $3
            """, key(connector, partition) + [.text(String(offset ?? -1))])
    }

    /// The fence: moves a position, or fails in SQL (division by zero) when it hits no row, so that a COMMIT sent right behind it cannot slip through.
    var advanceSQL: String {
        """
        WITH moved AS (UPDATE \(table) SET next_offset = $4, last_log_epoch = coalesce($7, last_log_epoch), updated_at = now()
        WHERE connector = $1 AND topic = $2 AND part = $3 AND epoch = $5 AND next_offset = $6 RETURNING 1) SELECT 1 / count(*) FROM moved
        """
    }
    static let advanceTypes = [TypeNumber.text, TypeNumber.text, TypeNumber.int4, TypeNumber.int8, TypeNumber.int8, TypeNumber.int8, TypeNumber.int4]
    static let missed = "22012"

    func advanceParameters(connector: Name, _ partition: TopicPartition, _ claim: SinkClaim, to next: Int64, logEpoch: Int32?) -> [Parameter] {
        key(connector, partition) + [.text(String(next)), .text(String(claim.epoch)), .text(String(claim.next)), logEpoch.map { .text(String($0)) } ?? .null]
    }

    private func key(_ connector: Name, _ partition: TopicPartition) -> [Parameter] {
        [.text(connector.text), .text(partition.topic.text), .text(String(partition.partition))]
    }
}
