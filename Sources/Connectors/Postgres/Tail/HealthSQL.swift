extension TailSQL {
    private static func list(_ tables: Set<UInt32>) -> String { "{" + tables.sorted().map(String.init).joined(separator: ",") + "}" }

    /// Rows of a batch; what it read is compared with it.
    static func batchSize(from: XidSnapshot, to: XidSnapshot, tables: Set<UInt32>, from first: Int64) -> String {
        """
        SELECT count(*) FROM connectd.change WHERE id >= \(first) AND tbl = ANY ('\(list(tables))'::oid[])
          AND pg_catalog.pg_visible_in_snapshot(xid, '\(to.text)'::pg_snapshot) AND NOT pg_catalog.pg_visible_in_snapshot(xid, '\(from.text)'::pg_snapshot)
        """
    }

    /// What is left to send after a snapshot and a change, up to a limit: how many, and since when (milliseconds).
    static func lag(from: XidSnapshot, sent: Int64, tables: Set<UInt32>) -> String {
        """
        SELECT count(*), coalesce((extract(epoch FROM pg_catalog.clock_timestamp() - min(ts)) * 1000)::int8, 0) FROM (
            SELECT ts FROM connectd.change WHERE id > \(sent) AND tbl = ANY ('\(list(tables))'::oid[]) AND xid >= '\(from.xmax)'::xid8
          UNION ALL
            SELECT ts FROM connectd.change WHERE id > \(sent) AND tbl = ANY ('\(list(tables))'::oid[])
              AND xid = ANY ('{\(from.running.map(String.init).joined(separator: ","))}'::xid8[])
          LIMIT \(Health.mostLagRows)) c
        """
    }

    /// The oldest transaction that writes: its process (0 for a prepared one) and how long it is open, in milliseconds.
    static let oldestTransaction = """
        SELECT pid, (extract(epoch FROM pg_catalog.clock_timestamp() - since) * 1000)::int8 FROM (
          SELECT pid, xact_start AS since FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
          UNION ALL SELECT 0, prepared FROM pg_catalog.pg_prepared_xacts
        ) t WHERE since IS NOT NULL ORDER BY since LIMIT 1
        """
    static let oldestReader = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - min(beat)) * 1000)::int8 FROM connectd.tail WHERE NOT expired"
    static let sequenceCache = CaptureSQL.inspectCache
}
