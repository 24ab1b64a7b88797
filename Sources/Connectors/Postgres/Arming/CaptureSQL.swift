internal import Postgres

/// The SQL of what we put into a database: a schema of our own, one change table, one table of readers, three trigger functions.
enum CaptureSQL {
    static let schema = "connectd"
    /// Counted up when a function's text changes; stands in its comment.
    static let version = 1
    static let captureTrigger = "connectd_capture"
    static let truncateTrigger = "connectd_truncate"
    static let wakeTrigger = "connectd_wake"
    static let wakeChannel = "connectd_wake"
    /// The wake-up's advisory lock, in the two-integer form, which an application's locks on single bigints never meet: "conn", "wake".
    static let wakeLock = "1668247150, 2002873189"

    /// Serialises whoever arms.
    static let armingLock = "SELECT pg_catalog.pg_advisory_xact_lock(1668247150, 1634889069)"

    static let createSchema = "CREATE SCHEMA IF NOT EXISTS connectd"

    /// The change id comes from a sequence with CACHE 1, drawn while the row's lock is held: that is the order per key.
    static let createChangeTable = [
        """
        CREATE TABLE IF NOT EXISTS connectd.change (
          id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
          xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
          ts timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
          tbl oid NOT NULL,
          op "char" NOT NULL,
          before jsonb,
          after jsonb
        )
        """,
        "CREATE INDEX IF NOT EXISTS change_xid ON connectd.change (xid, id)",
        "COMMENT ON TABLE connectd.change IS 'Changes of captured tables, written by their connectd_capture triggers, read and pruned by connectd'",
    ]

    /// One row per reader: how far it is durably, and the durable write that forces a flush.
    static let createReaderTable = """
        CREATE TABLE IF NOT EXISTS connectd.tail (
          name text PRIMARY KEY, snap pg_snapshot NOT NULL, last_id bigint, beat timestamptz NOT NULL DEFAULT pg_catalog.now(), n bigint NOT NULL DEFAULT 0,
          expired boolean NOT NULL DEFAULT false
        ) WITH (fillfactor = 50)
        """

    /// The pinned settings are not optional: without them the writer's session decides what the images look like.
    private static let pins = """
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, MDY' SET "IntervalStyle" = 'iso_8601'
        SET bytea_output = 'hex' SET extra_float_digits = 1 SET lc_monetary = 'C'
        """

    static let functions: [(name: String, sql: String)] = [
        (
            "capture",
            """
            CREATE OR REPLACE FUNCTION connectd.capture() RETURNS trigger LANGUAGE plpgsql \(pins) AS $connectd$
            BEGIN
              IF TG_OP = 'INSERT' THEN
                INSERT INTO connectd.change (tbl, op, after) VALUES (TG_ARGV[0]::oid, 'c', to_jsonb(NEW));
              ELSIF TG_OP = 'UPDATE' THEN
                INSERT INTO connectd.change (tbl, op, before, after) VALUES (TG_ARGV[0]::oid, 'u', to_jsonb(OLD), to_jsonb(NEW));
              ELSE
                INSERT INTO connectd.change (tbl, op, before) VALUES (TG_ARGV[0]::oid, 'd', to_jsonb(OLD));
              END IF;
              RETURN NULL;
            END $connectd$
            """
        ),
        (
            "truncated",
            """
            CREATE OR REPLACE FUNCTION connectd.truncated() RETURNS trigger LANGUAGE plpgsql \(pins) AS $connectd$
            BEGIN
              INSERT INTO connectd.change (tbl, op) VALUES (TG_ARGV[0]::oid, 't');
              RETURN NULL;
            END $connectd$
            """
        ),
        (
            "wake",
            """
            CREATE OR REPLACE FUNCTION connectd.wake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $connectd$
            BEGIN
              IF NOT pg_try_advisory_xact_lock_shared(\(wakeLock)) THEN PERFORM pg_notify('\(wakeChannel)', ''); END IF;
              RETURN NULL;
            END $connectd$
            """
        ),
    ]

    static func comment(_ function: String) -> String { "COMMENT ON FUNCTION connectd.\(function)() IS 'connectd, version \(version)'" }

    static func createTrigger(_ trigger: String, on table: String, oid: UInt32) -> String {
        switch trigger {
        case captureTrigger:
            "CREATE TRIGGER \(trigger) AFTER INSERT OR UPDATE OR DELETE ON \(table) FOR EACH ROW EXECUTE FUNCTION connectd.capture('\(oid)')"
        case truncateTrigger:
            "CREATE TRIGGER \(trigger) AFTER TRUNCATE ON \(table) FOR EACH STATEMENT EXECUTE FUNCTION connectd.truncated('\(oid)')"
        default:
            "CREATE TRIGGER \(trigger) AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(table) FOR EACH STATEMENT EXECUTE FUNCTION connectd.wake()"
        }
    }

    static func dropTrigger(_ trigger: String, on table: String) -> String { "DROP TRIGGER IF EXISTS \(trigger) ON \(table)" }

    /// The tables and functions of ours that are there: `(kind, name, comment)`.
    static let inspect = """
        SELECT 'table', c.relname::text, '' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'connectd' AND c.relname IN ('change', 'tail')
        UNION ALL
        SELECT 'function', p.proname::text, coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), '') FROM pg_catalog.pg_proc p
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'connectd'
        """
    static let inspectCache = """
        SELECT s.seqcache FROM pg_catalog.pg_sequence s WHERE s.seqrelid = pg_catalog.pg_get_serial_sequence('connectd.change', 'id')::pg_catalog.regclass
        """

    /// The triggers of ours on tables: `$1` their numbers.
    static let inspectTriggers = """
        SELECT t.tgrelid, t.tgname, t.tgenabled, pg_catalog.encode(t.tgargs, 'escape'), p.proname FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE t.tgrelid = ANY ($1::oid[]) AND NOT t.tgisinternal AND n.nspname = 'connectd'
        """
}
