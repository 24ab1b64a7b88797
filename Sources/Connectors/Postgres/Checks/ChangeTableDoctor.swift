internal import ConnectRuntime
internal import Postgres

/// Examines `connectd.change` and its readers: how much waits, who holds pruning back, whether it is tidied up.
struct ChangeTableDoctor {
    let options: SourceOptions
    let rights: CaptureRights
    let change: CaptureRights.Object
    let look: PostgresLook

    private typealias Keys = PostgresSourceSettings
    private static let url = PostgresLook.url
    /// So many changes that could be pruned, or rows that nobody cleared away, are worth a word.
    private static let muchRows: Int64 = 10_000
    private static let muchDeadRows: Int64 = 50_000

    struct Reader {
        let name: String
        let snapshot: XidSnapshot?
        let beatMilliseconds: Int64
        let isExpired: Bool
    }

    func examine(_ tables: [PostgresTable]) {
        look.part("looking at connectd.change") {
            storage()
            try index()
        }
        guard rights.readsChanges else { return }
        look.part("looking at the size of connectd.change") { try size() }
        guard rights.readsReaders else { return }
        look.part("looking at the readers of connectd.change") {
            let readers = try readers()
            for reader in readers { try examine(reader, tables) }
            if !readers.isEmpty { try pruning() }
        }
    }

    // MARK: how it is stored

    private func storage() {
        if !change.isLogged {
            look.add(
                CheckFinding(
                    .error, "postgres.source.change_unlogged", ChangeTableDoctor.url, "connectd.change is unlogged",
                    cost: "a crash of the server empties it: changes that were not delivered are lost", suggestion: "let its owner run this, which writes the table once:",
                    statements: ["ALTER TABLE connectd.change SET LOGGED"]))
        }
        for (name, object) in [("connectd.change", rights.change), ("connectd.tail", rights.tail)] where object?.isAutovacuumOff == true {
            look.add(
                CheckFinding(
                    .warning, "postgres.source.change_autovacuum", ChangeTableDoctor.url, "autovacuum is off for \(name)",
                    cost: "nobody clears away what is pruned: the table grows, and looks at it become slow", suggestion: "let its owner run:",
                    statements: ["ALTER TABLE \(name) RESET (autovacuum_enabled)"]))
        }
    }

    private func index() throws {
        let result = try look.connection.query(
            """
            SELECT c.relname::text, i.indisvalid, array_agg(a.attname::text ORDER BY k.place) = '{xid,id}' FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (number, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE i.indrelid = $1::oid GROUP BY 1, 2
            """, [.text(String(change.oid))])
        if (0..<result.rowCount).contains(where: { result.boolean($0, 1) && result.boolean($0, 2) }) { return }
        // One that was begun and not finished has the name.
        let isTaken = (0..<result.rowCount).contains { equalBytes(result.text($0, 0) ?? "", "change_xid") }
        look.add(
            CheckFinding(
                .warning, "postgres.source.change_index", ChangeTableDoctor.url, "connectd.change has no index on (xid, id)", cost: "each look for changes reads the whole table",
                suggestion: "let its owner run:",
                statements: (isTaken ? ["DROP INDEX CONCURRENTLY connectd.change_xid"] : []) + ["CREATE INDEX CONCURRENTLY change_xid ON connectd.change (xid, id)"]))
    }

    private func size() throws {
        let result = try look.connection.query(
            """
            SELECT pg_catalog.pg_total_relation_size($1::oid::pg_catalog.regclass), coalesce(s.n_live_tup, 0), coalesce(s.n_dead_tup, 0),
              (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - c.ts) * 1000)::int8 FROM connectd.change c ORDER BY c.id LIMIT 1)
            FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = $1::oid
            """, [.text(String(change.oid))])
        let live = result.integer(0, 1) ?? 0, dead = result.integer(0, 2) ?? 0
        let age = result.integer(0, 3).map { ", the oldest \(Amounts.time($0)) old" } ?? ""
        look.add(CheckFinding(.ok, "postgres.source.change_size", ChangeTableDoctor.url, "connectd.change: about \(live) change\(live == 1 ? "" : "s")\(age), \(Amounts.bytes(result.integer(0, 0) ?? 0)) with its indexes"))
        if dead >= ChangeTableDoctor.muchDeadRows, dead > live {
            look.add(
                CheckFinding(
                    .warning, "postgres.source.change_bloat", ChangeTableDoctor.url, "connectd.change holds about \(dead) rows that were deleted and not cleared away",
                    cost: "looks at it read over them", suggestion: "find out what holds VACUUM back (an old transaction, autovacuum that is off), then let its owner run:",
                    statements: ["VACUUM connectd.change"]))
        }
    }

    // MARK: readers

    private func readers() throws -> [Reader] {
        let result = try look.connection.execute(
            "SELECT name, snap::text, (extract(epoch FROM pg_catalog.clock_timestamp() - beat) * 1000)::int8, expired FROM connectd.tail ORDER BY name LIMIT 1000")
        return (0..<result.rowCount).map { row in
            Reader(
                name: result.text(row, 0) ?? "", snapshot: result.text(row, 1).flatMap { XidSnapshot($0) }, beatMilliseconds: result.integer(row, 2) ?? 0,
                isExpired: result.boolean(row, 3))
        }
    }

    private func examine(_ reader: Reader, _ tables: [PostgresTable]) throws {
        let seen = "last seen \(Amounts.time(reader.beatMilliseconds)) ago"
        guard reader.name.utf8.starts(with: "\(look.request.connector)/".utf8) else { return others(reader, seen) }
        if reader.isExpired {
            let isFatal = options.historyLost == .fail
            look.add(
                CheckFinding(
                    isFatal ? .error : .warning, "postgres.source.forgotten", Keys.readerExpiry.name,
                    "reader \(reader.name) was away for longer than reader.expire.ms (\(seen)): changes it had not read may have been pruned",
                    cost: isFatal ? "the connector does not start" : "it starts over as on.history.lost says",
                    suggestion: "set on.history.lost=earliest to deliver the tables anew, or latest to go on without what was missed"))
            return
        }
        guard let snapshot = reader.snapshot else { return }
        let lag = try look.connection.execute(TailSQL.lag(from: snapshot, sent: 0, tables: Set(tables.map(\.oid))))
        let rows = lag.integer(0, 0) ?? 0, age = lag.integer(0, 1) ?? 0
        let count = rows >= Int64(Health.mostLagRows) ? "\(rows) or more changes wait" : rows == 1 ? "1 change waits" : "\(rows) changes wait"
        if rows > 0, age >= Int64(look.request.longMilliseconds) {
            look.add(
                CheckFinding(
                    .warning, "postgres.source.lag", Keys.include.name, "reader \(reader.name): \(count), the oldest for \(Amounts.time(age)); \(seen)",
                    cost: "copies are behind by that much", suggestion: "start the connector; if it runs, its status says what it waits for"))
        } else {
            look.add(CheckFinding(.ok, "postgres.source.reader", ChangeTableDoctor.url, "reader \(reader.name): \(count)\(rows > 0 ? ", the oldest for \(Amounts.time(age))" : ""); \(seen)"))
        }
    }

    /// A reader of another connector: it keeps what it has not read.
    private func others(_ reader: Reader, _ seen: String) {
        // A reader that runs shows itself every so often.
        guard !reader.isExpired, reader.beatMilliseconds >= Int64(max(look.request.longMilliseconds, options.readerExpiry / 20 * 2)) else { return }
        look.add(
            CheckFinding(
                .warning, "postgres.source.reader_away", Keys.readerExpiry.name, "reader \(reader.name) of connectd.change was \(seen)",
                cost: "nothing that it has not read is pruned until it comes back or reader.expire.ms is over, so the table grows",
                suggestion: "start its connector; if that is gone for good:", statements: ["DELETE FROM connectd.tail WHERE name = \(Quoting.literal(reader.name))"]))
    }

    private func pruning() throws {
        let condition = """
            c.ts < pg_catalog.clock_timestamp() - \(options.retention)::int8 * interval '1 millisecond'
            AND (SELECT bool_and(pg_catalog.pg_visible_in_snapshot(c.xid, r.snap)) FROM connectd.tail r WHERE NOT r.expired)
            """
        let count = try look.connection.execute("SELECT count(*) FROM (SELECT 1 FROM connectd.change c WHERE \(condition) LIMIT \(ChangeTableDoctor.muchRows)) c").integer(0, 0) ?? 0
        guard count >= ChangeTableDoctor.muchRows else { return }
        let statement = condition.split(separator: "\n").joined(separator: " ").replacing("pg_catalog.", with: "")
        look.add(
            CheckFinding(
                .warning, "postgres.source.unpruned", Keys.prune.name, "connectd.change holds \(count) or more changes that every reader has and that are older than prune.retention.ms",
                cost: "the table is larger than it need be, and looks at it are slower",
                suggestion: options.prunes ? "a connector with prune=true deletes them while it runs; or let the table's owner run:" : "set prune=true for one connector of the database, or let the table's owner run:",
                statements: ["DELETE FROM connectd.change c WHERE \(statement)"]))
    }
}
