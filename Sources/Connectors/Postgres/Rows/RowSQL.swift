internal import ConnectRuntime
internal import Postgres

/// The statements that read tables as they are. Names are quoted, numbers are numbers: COPY takes no parameters.
struct RowSQL: Sendable {
    let table: PostgresTable
    /// The column with the rows' numbers, quoted; `nil` where the mode has none.
    let id: String?
    /// The expression of the time, `nil` where the mode has none.
    let time: String?
    /// The type to compare times in.
    let timeType: String
    /// The column of transaction numbers, quoted.
    let xid: String

    init(_ table: PostgresTable, id: String?, times: [String], xid: String) {
        self.table = table
        self.id = id.map { "t." + Quoting.identifier($0) }
        let columns = times.map { "t." + Quoting.identifier($0) }
        time = columns.isEmpty ? nil : columns.count == 1 ? columns[0] : "coalesce(\(columns.joined(separator: ", ")))"
        let first = table.columns.first { column in times.first.map { equalBytes($0, column.name) } ?? false }
        timeType = first?.type.base == .timestampWithZone ? "timestamptz" : "timestamp"
        self.xid = "t." + Quoting.identifier(xid)
    }

    private var from: String { "FROM \(table.isPartitioned ? "" : "ONLY ")\(table.qualified) t" }
    private var number: String { id ?? "NULL" }

    private static func copy(_ query: String) -> String { "COPY (\(query)) TO STDOUT (FORMAT binary)" }
    private static let image = "pg_catalog.to_jsonb(t.*)"

    /// Rows above a number.
    func after(_ last: Int64, limit: Int) -> String {
        RowSQL.copy("SELECT \(number)::int8, \(RowSQL.image) \(from) WHERE \(number) > \(RowSQL.literal(last)) ORDER BY \(number) LIMIT \(limit)")
    }

    /// A number that may be negative, so that it reads as one.
    private static func literal(_ value: Int64) -> String { "'\(value)'::int8" }

    // MARK: timestamps

    private func moment(_ microseconds: Int64) -> String {
        "('epoch'::\(timeType) + (\(microseconds)::int8) * interval '1 microsecond')"
    }

    private func isOldEnough(_ delay: Int) -> String { "\(time ?? "NULL") < (pg_catalog.now() - interval '\(delay) milliseconds')::\(timeType)" }

    private var microseconds: String { "(EXTRACT(epoch FROM \(time ?? "NULL")) * 1000000)::int8" }

    /// Rows later than a time, whole groups of equal times.
    func later(than last: Int64, delay: Int, limit: Int) -> String {
        RowSQL.copy(
            "SELECT \(microseconds), \(RowSQL.image) \(from) WHERE \(time ?? "NULL") > \(moment(last)) AND \(isOldEnough(delay)) ORDER BY \(time ?? "NULL") FETCH FIRST \(limit) ROWS WITH TIES")
    }

    /// Rows later than a time, or of that time above a number.
    func later(than last: Int64, id: Int64, delay: Int, limit: Int) -> String {
        RowSQL.copy(
            """
            SELECT \(microseconds), \(number)::int8, \(RowSQL.image) \(from) WHERE \(time ?? "NULL") >= \(moment(last))
            AND (\(time ?? "NULL") > \(moment(last)) OR \(number) > \(RowSQL.literal(id))) AND \(isOldEnough(delay)) ORDER BY \(time ?? "NULL"), \(number) LIMIT \(limit)
            """)
    }

    // MARK: whole tables

    static let cursor = "connectd_rows"
    var openCursor: String { "DECLARE \(RowSQL.cursor) NO SCROLL CURSOR FOR SELECT \(RowSQL.image) \(from)" }
    static func fetch(_ count: Int) -> String { "FETCH \(count) FROM \(cursor)" }

    // MARK: rows with their transaction's number

    /// What is new after a snapshot, and the snapshot up to which it is, in one statement.
    func look(from snapshot: XidSnapshot, limit: Int) -> String {
        let running = snapshot.running.map(String.init).joined(separator: ",")
        return """
            WITH s2 AS MATERIALIZED (SELECT pg_catalog.pg_current_snapshot() AS s)
            SELECT s2.s::text, pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn(), d.id, d.xid, pg_catalog.to_jsonb(d.r) FROM s2 LEFT JOIN LATERAL (
                SELECT \(number)::int8 AS id, \(xid) AS xid, t AS r \(from) WHERE \(xid) >= '\(snapshot.xmax)'::xid8
              UNION ALL
                SELECT \(number)::int8, \(xid), t \(from) WHERE \(xid) = ANY ('{\(running)}'::xid8[])
              ORDER BY id LIMIT \(limit)
            ) d ON true ORDER BY d.id
            """
    }

    /// The next page of a batch between two snapshots, by the number.
    /// - Parameter includesOld: whether rows from before the column was there belong to it.
    func page(from: XidSnapshot, to: XidSnapshot, after last: Int64, includesOld: Bool, limit: Int) -> String {
        let isNew = "pg_catalog.pg_visible_in_snapshot(\(xid), '\(to.text)'::pg_snapshot) AND NOT pg_catalog.pg_visible_in_snapshot(\(xid), '\(from.text)'::pg_snapshot)"
        return RowSQL.copy(
            """
            SELECT \(number)::int8, \(xid), \(RowSQL.image) \(self.from) WHERE \(number) > \(RowSQL.literal(last))
            AND (\(includesOld ? "\(xid) IS NULL OR " : "")\(isNew)) ORDER BY \(number) LIMIT \(limit)
            """)
    }

    /// The least number of a batch.
    func firstOfBatch(from snapshot: XidSnapshot) -> String {
        """
        SELECT least((SELECT min(\(number)) \(from) WHERE \(xid) >= '\(snapshot.xmax)'::xid8),
          (SELECT min(\(number)) \(from) WHERE \(xid) = ANY ('{\(snapshot.running.map(String.init).joined(separator: ","))}'::xid8[])))
        """
    }

    var greatestXid: String { "SELECT \(xid)::text \(from) WHERE \(xid) IS NOT NULL ORDER BY \(xid) DESC LIMIT 1" }
    /// `$1` a number, `$2` a transaction's.
    var isThere: String { "SELECT \(xid) = $2::xid8 \(from) WHERE \(number) = $1::int8" }
    var greatest: String { "SELECT max(\(number))::int8 \(from)" }
    var hasBelowOne: String { "SELECT 1 \(from) WHERE \(number) < 1 LIMIT 1" }

    // MARK: who writes

    /// Who holds the lock that an insert takes, on the table or one of its partitions; `$1` the table's number.
    static let holders = """
        SELECT DISTINCT l.virtualtransaction, l.virtualtransaction LIKE '-1/%', l.pid FROM pg_catalog.pg_locks l
        WHERE l.locktype = 'relation' AND l.granted AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
          AND (l.relation = $1::oid OR l.relation IN (SELECT p.relid FROM pg_catalog.pg_partition_tree($1::oid::pg_catalog.regclass) p))
        """
}
