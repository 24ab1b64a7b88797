/// The statements of the tail.
enum TailSQL {
    /// What is new after a snapshot, and the snapshot up to which it is, in one statement. `$1` its xmax, `$2` its running ones, `$3` the tables, `$4` a limit.
    ///
    /// Two branches, each an index range: no running one is at or above xmax. The first row always comes, so that an idle look yields the snapshot too.
    static let look = """
        WITH s2 AS MATERIALIZED (SELECT pg_catalog.pg_current_snapshot() AS s)
        SELECT s2.s::text, pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn(), d.* FROM s2 LEFT JOIN LATERAL (
            SELECT \(ChangeRow.columns) FROM connectd.change WHERE xid >= $1::xid8 AND tbl = ANY ($3::oid[])
          UNION ALL
            SELECT \(ChangeRow.columns) FROM connectd.change WHERE xid = ANY ($2::xid8[]) AND tbl = ANY ($3::oid[])
          ORDER BY id LIMIT $4
        ) d ON true ORDER BY d.id
        """

    /// The next page of a batch between two snapshots, by the primary key. No condition on xid alone: an index on it would have the whole difference sorted for each page.
    static func page(from: XidSnapshot, to: XidSnapshot, after id: Int64, tables: Set<UInt32>, limit: Int) -> String {
        """
        COPY (SELECT \(ChangeRow.columns) FROM connectd.change WHERE id > \(id) AND tbl = ANY ('{\(tables.sorted().map(String.init).joined(separator: ","))}'::oid[])
          AND pg_catalog.pg_visible_in_snapshot(xid, '\(to.text)'::pg_snapshot) AND NOT pg_catalog.pg_visible_in_snapshot(xid, '\(from.text)'::pg_snapshot)
          ORDER BY id LIMIT \(limit)) TO STDOUT (FORMAT binary)
        """
    }

    /// The change before the first one of a batch: where its pages may begin.
    static func firstOfBatch(from: XidSnapshot) -> String {
        """
        SELECT least((SELECT min(id) FROM connectd.change WHERE xid >= '\(from.xmax)'::xid8),
          (SELECT min(id) FROM connectd.change WHERE xid = ANY ('{\(from.running.map(String.init).joined(separator: ","))}'::xid8[])))
        """
    }

    static let snapshot = "SELECT pg_catalog.pg_current_snapshot()::text, pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()"
    static let flushed = "SELECT pg_catalog.pg_current_wal_flush_lsn()"
    static let forceFlush = "UPDATE connectd.tail SET n = n + 1, beat = pg_catalog.now() WHERE name = $1"

    /// A durable commit that changes nothing: anybody may write a message into the log.
    static let forceFlushByMessage = "SELECT pg_catalog.pg_logical_emit_message(true, 'connectd', $1)"

    static let server = """
        SELECT pg_catalog.pg_is_in_recovery(), (SELECT system_identifier FROM pg_catalog.pg_control_system()),
          CASE WHEN pg_catalog.pg_is_in_recovery() THEN '00000000' ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) END,
          pg_catalog.pg_current_snapshot()::text, pg_catalog.current_database(),
          CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_insert_lsn() END
        """
    static let greatestXid = "SELECT xid::text FROM connectd.change ORDER BY connectd.change.xid DESC LIMIT 1"
    /// Whether a change is there, of the same transaction; NULL where it is not known, for it may have been pruned. A number that was not drawn yet is none of a change that was pruned.
    static let lastChange = """
        SELECT coalesce((SELECT xid = $2::xid8 FROM connectd.change WHERE id = $1::bigint),
          CASE WHEN pg_catalog.has_sequence_privilege(s.name, 'SELECT') THEN CASE WHEN coalesce(pg_catalog.pg_sequence_last_value(s.name::pg_catalog.regclass), 0) < $1::bigint THEN false END END)
        FROM (SELECT pg_catalog.pg_get_serial_sequence('connectd.change', 'id') AS name) s
        """
    static let replayStart = "SELECT min(xid)::text FROM connectd.change WHERE ts > pg_catalog.now() - $1::bigint * interval '1 millisecond'"

    static let claimReader = """
        INSERT INTO connectd.tail (name, snap) VALUES ($1, $2::pg_snapshot) ON CONFLICT (name) DO UPDATE SET beat = pg_catalog.now(), expired = false,
          snap = CASE WHEN connectd.tail.expired THEN excluded.snap ELSE connectd.tail.snap END
        """
    static let readerExpired = "SELECT expired FROM connectd.tail WHERE name = $1"
    static let moveReader = "UPDATE connectd.tail SET snap = $2::pg_snapshot, last_id = $3::bigint, beat = pg_catalog.now() WHERE name = $1"
    static let expireReaders = """
        UPDATE connectd.tail SET expired = true WHERE NOT expired AND beat < pg_catalog.clock_timestamp() - $1::bigint * interval '1 millisecond' RETURNING name
        """
    /// Only what every reader that is alive has durably, and only among the first changes: those behind them are younger, and to look at them all
    /// each time would cost the server more the more changes it keeps. Snapshots of readers are asked one by one.
    static let prune = """
        DELETE FROM connectd.change WHERE id IN (
          SELECT c.id FROM (SELECT id, xid, ts FROM connectd.change ORDER BY id LIMIT $2) c
          WHERE c.ts < pg_catalog.clock_timestamp() - $1::bigint * interval '1 millisecond'
            AND (SELECT bool_and(pg_catalog.pg_visible_in_snapshot(c.xid, r.snap)) FROM connectd.tail r WHERE NOT r.expired))
        """

    static let tryLock = "SELECT pg_catalog.pg_try_advisory_lock(\(CaptureSQL.wakeLock))"
    static let unlock = "SELECT pg_catalog.pg_advisory_unlock(\(CaptureSQL.wakeLock))"
    static let listen = "LISTEN \(CaptureSQL.wakeChannel)"

    /// One text that changes whenever tables come, go, are altered, or lose their triggers.
    /// - Parameter tables: their numbers as an array, a literal or a parameter.
    static func shape(of tables: String) -> String {
        """
        SELECT pg_catalog.md5(coalesce((SELECT string_agg(concat_ws(',', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull), ';' ORDER BY a.attrelid, a.attnum)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY (\(tables)::oid[]) AND a.attnum > 0 AND NOT a.attisdropped), ''))
          || pg_catalog.md5(coalesce((SELECT string_agg(concat_ws(',', i.indrelid, i.indkey, i.indimmediate), ';' ORDER BY i.indrelid)
            FROM pg_catalog.pg_index i WHERE i.indrelid = ANY (\(tables)::oid[]) AND i.indisprimary), ''))
          || pg_catalog.md5(coalesce((SELECT string_agg(concat_ws(',', t.tgrelid, t.tgname, t.tgenabled), ';' ORDER BY t.tgrelid, t.tgname)
            FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ANY (\(tables)::oid[]) AND t.tgname LIKE 'connectd\\_%'), ''))
          || coalesce((SELECT s.seqcache::text FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_depend x ON x.objid = s.seqrelid AND x.deptype = 'i'
            WHERE x.refobjid = pg_catalog.to_regclass('connectd.change')), '')
          || pg_catalog.md5(coalesce((SELECT string_agg(concat_ws(',', c.oid, n.nspname, c.relname), ';' ORDER BY c.oid)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'connectd')), ''))
        """
    }
}
