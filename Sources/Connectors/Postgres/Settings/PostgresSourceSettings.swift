internal import ConnectRuntime

/// The settings of the PostgreSQL source.
enum PostgresSourceSettings {
    enum Mode: String, Sendable, CaseIterable {
        case snapshot, fence, incrementing, timestamp, bulk
        case timestampIncrementing = "timestamp+incrementing"
    }
    /// What `mode=snapshot` tails.
    enum Capture: String, Sendable, CaseIterable { case change, events }
    enum ValueShape: String, Sendable, CaseIterable { case envelope, flat }
    enum SnapshotMode: String, Sendable, CaseIterable {
        case initial
        case noData = "no_data"
        /// Debezium's older word for `no_data`.
        case never
    }
    enum HistoryLost: String, Sendable, CaseIterable { case fail, earliest, latest }
    enum TimelineChange: String, Sendable, CaseIterable { case fail, replay }

    static let topicPrefix = Setting<String>(
        "topic.prefix", .string, importance: .high, displayName: "Topic prefix", aliases: ["database.server.name"],
        "What the topics' names begin with: a table's changes go to `<topic.prefix>.<schema>.<table>`. Characters a topic cannot have become `_`."
    ) { (text: String) throws(SettingError) -> String in
        if text.isEmpty { throw SettingError("must not be empty") }
        if text.utf8.contains(where: { !TopicNaming.isLegal($0) }) { throw SettingError("may hold letters, digits, '.', '_' and '-' only") }
        return text
    }

    static let mode = Setting<Mode>.choice(
        "mode", default: .snapshot, importance: .high, displayName: "Mode",
        "`snapshot` tails by the difference of two snapshots: nothing is lost, nothing comes out of order per key. `fence` reads tables whose rows are only ever added, in the order of their numbers, puts nothing into the database and loses nothing. `incrementing`, `timestamp`, `timestamp+incrementing` and `bulk` are the JDBC source's, for configurations that come from there: they can lose rows or repeat them, which is said at the start.")
    static let capture = Setting<Capture>.choice(
        "capture", default: .change, importance: .medium, displayName: "Capture",
        "What `mode=snapshot` tails. `change`: changes of any table, which triggers write into a table of ours. `events`: tables whose rows are only ever added; they get one more column, `event.xid.column`, and no trigger.")
    static let eventXid = Setting<String>.string(
        "event.xid.column", default: "xid", allowEmpty: false, importance: .low, displayName: "Transaction column",
        "With `capture=events`, the column that holds the number of the transaction that added the row (`xid8`, by default `pg_current_xact_id()`). NULL is a row from before it was there.")
    static let incrementingColumn = Setting<String>.string(
        "incrementing.column.name", default: "", importance: .medium, displayName: "Incrementing column",
        "The column whose number the server draws for each new row, for `fence`, `incrementing`, `timestamp+incrementing` and `capture=events`. Empty: the one column of the table that has a sequence.")
    static let incrementingInitial = Setting<Int>.int(
        "incrementing.initial", default: -1, range: Int.min...Int.max, type: .long, importance: .low, displayName: "Initial number",
        "`incrementing` begins with numbers above this one when no offset is stored.")
    static let timestampColumns = Setting<[String]>.list(
        "timestamp.column.name", importance: .medium, displayName: "Timestamp columns",
        "The columns that tell when a row was last changed, for `timestamp` and `timestamp+incrementing`: the first one that is not NULL counts.")
    static let timestampInitial = Setting<Int?>(
        "timestamp.initial", .long, absent: .some(nil), importance: .low, displayName: "Initial time (ms)", aliases: ["timestamp.initial.ms"],
        "`timestamp` begins with rows changed after this time, in milliseconds since 1970, when no offset is stored; -1 is now. Absent: 1970."
    ) { (text: String) throws(SettingError) -> Int? in
        guard let value = Int(text.trimmedASCII), value >= -1 else { throw SettingError("must be milliseconds since 1970, or -1 for now") }
        return value
    }
    static let timestampDelay = Setting<Int>.int(
        "timestamp.delay.interval.ms", default: 0, type: .long, importance: .medium, displayName: "Delay (ms)",
        "`timestamp` reads rows only once they are so old, so that transactions that commit late are not passed over; longer ones still are.")
    static let validatesNonNull = Setting<Bool>.boolean(
        "validate.non.null", default: true, importance: .low, displayName: "Refuse NULL",
        "Whether a table is refused whose incrementing column, or all of whose timestamp columns, may be NULL: such rows are never read.")
    static let tableTypes = Setting<[String]>(
        "table.types", .list, default: "TABLE", importance: .low, displayName: "Kinds of tables", aliases: ["table.type"],
        "What is read by the JDBC source's modes: TABLE, PARTITIONED TABLE, VIEW, MATERIALIZED VIEW, FOREIGN TABLE."
    ) { (text: String) throws(SettingError) -> [String] in
        let items = splitList(text)
        for item in items where RelationKind.letters(item) == nil {
            throw SettingError("may hold TABLE, PARTITIONED TABLE, VIEW, MATERIALIZED VIEW and FOREIGN TABLE; \(item) is none of them")
        }
        return items
    }
    static let numericMapping = Setting<NumericMapping>.choice(
        "numeric.mapping", default: NumericMapping.none, ignoringCase: true, importance: .low, displayName: "Numerics as numbers",
        "`none`: as decimal.handling.mode says. `precision_only`: numeric(p) without digits after the point as whole numbers where they fit. `best_fit`: these, and numeric(p,s) of up to 18 digits as FLOAT64, which rounds. `best_fit_eager_double`: these, and longer ones too.")
    static let include = list("table.include.list", ["table.whitelist"], "Tables to capture: names or regular expressions, separated by commas, each matched against the whole `schema.table`. Empty captures every table.")
    static let exclude = list("table.exclude.list", ["table.blacklist"], "Tables to leave out, as `table.include.list`. Both may be given; exclusion wins.")
    static let schemaInclude = list("schema.include.list", ["schema.whitelist"], "Schemas to capture tables of, as names or regular expressions. Empty captures every schema.")
    static let schemaExclude = list("schema.exclude.list", ["schema.blacklist"], "Schemas to leave out. Exclusion wins.")
    static let keyColumns = Setting<[KeyColumns]>(
        "message.key.columns", .string, default: "", importance: .medium, width: .long, displayName: "Key columns",
        "Keys for tables that have no primary key, or another one than you want: `schema.table:column,column;schema.table:column`. Table names may be regular expressions."
    ) { (text: String) throws(SettingError) -> [KeyColumns] in try KeyColumns.parse(text) }

    static let arm = Setting<PostgresArming.Mode>.choice(
        "arm", default: .auto, importance: .medium, displayName: "Arm tables",
        "`auto` makes what capturing needs (a schema `connectd`, a change table, triggers on the captured tables) where it is missing, in one transaction; `check` refuses and says the SQL for the tables' owner; `off` takes it as it is.")
    static let always = Setting<Bool>.boolean(
        "arm.enable.always", default: false, importance: .low, displayName: "Capture replicated rows",
        "Whether the triggers also fire for rows that logical replication applies (ENABLE ALWAYS).")
    static let lockTimeout = Setting<Int>.int(
        "lock.timeout.ms", default: 2000, range: 1...600_000, importance: .low, displayName: "Lock timeout (ms)",
        "How long arming waits for a table's lock before it lets the application go on and tries again.")
    static let snapshotMode = Setting<SnapshotMode>.choice(
        "snapshot.mode", default: .initial, importance: .medium, displayName: "Rows that are there",
        "`initial` first delivers the rows a table holds (`op` = `r`), exactly joined with the changes; `no_data` delivers only changes from now on.")
    static let historyLost = Setting<HistoryLost>.choice(
        "on.history.lost", default: .fail, importance: .medium, displayName: "When the server was put back",
        "What to do when the server is another one than the stored offset belongs to, was put back, or a table was not captured for a while: `fail`; `earliest` delivers all rows again; `latest` goes on with new changes only.")
    static let timelineChange = Setting<TimelineChange>.choice(
        "on.timeline.change", default: .fail, importance: .medium, displayName: "After a failover",
        "A promoted standby may lack changes that were already delivered. `fail` stops and says so; `replay` delivers what is younger than `failover.replay.ms` again.")
    static let replayWindow = Setting<Int>.int(
        "failover.replay.ms", default: 600_000, range: 0...86_400_000, type: .long, importance: .low, displayName: "Failover replay window (ms)",
        "How far back `on.timeline.change=replay` goes.")

    static let shape = Setting<ValueShape>.choice(
        "value.shape", default: .envelope, importance: .medium, displayName: "Value shape",
        "`envelope`: before, after, source, op, ts_ms, as Debezium. `flat`: the row after the change, and a tombstone for a deletion.")
    static let tombstones = Setting<Bool>.boolean(
        "tombstones.on.delete", default: true, importance: .medium, displayName: "Tombstones",
        "Whether a deletion is followed by a record with the same key and no value, so that compaction can forget the key.")
    static let skipped = Setting<[String]>(
        "skipped.operations", .list, default: "t", importance: .low, displayName: "Skipped operations",
        "Operations that are not delivered, by Debezium's letters: `t` (TRUNCATE) or `none`."
    ) { (text: String) throws(SettingError) -> [String] in
        let items = splitList(text)
        for item in items where item != "t" && item != "none" {
            throw SettingError("may hold t and none only: leaving out \(item) would break copies; filter such records by a transform")
        }
        return items
    }
    static let decimals = Setting<TypeOptions.DecimalMode>.choice(
        "decimal.handling.mode", default: .precise, importance: .medium, displayName: "Decimals", aliases: ["decimal.mode"],
        "How numeric travels: `precise` (Decimal; without a scale Debezium's VariableScaleDecimal), `string`, or `double`, which rounds.")
    static let specialDecimals = Setting<TypeOptions.Unfit>.choice(
        "decimal.special", default: .fail, importance: .low, displayName: "Decimals that are no number",
        "What becomes of NaN and infinities of numeric where decimals are precise.")
    static let infinity = Setting<TypeOptions.Infinity>.choice(
        "temporal.infinity", default: .sentinel, importance: .low, displayName: "Infinite times",
        "What becomes of `infinity` in date and timestamp: `sentinel` (Debezium's numbers; dates get the ends of INT32), `null`, `fail`.")
    static let timePrecision = Setting<TypeOptions.TimePrecision>.choice(
        "time.precision.mode", default: .adaptiveMicroseconds, importance: .medium, displayName: "Time precision",
        "`adaptive_time_microseconds` and `adaptive` keep microseconds; `connect` has Connect's milliseconds, which cut.")
    static let trim = Setting<Bool>.boolean(
        "char.trim", default: false, importance: .low, displayName: "Trim texts", "Whether blanks at the end of texts, which fill a char(n), are taken away.")

    static let pollInterval = Setting<Int>.int(
        "poll.interval.ms", default: 250, range: 1...600_000, importance: .medium, displayName: "Longest sleep (ms)",
        "The longest time between two looks; a connector that writers wake (`wake`) sleeps up to two seconds where that is longer.")
    static let wake = Setting<Pace.Wake>.choice(
        "wake", default: .notifyIdle, importance: .medium, displayName: "Wake-up",
        "`notify-idle`: writers send a NOTIFY only while the connector sleeps. `poll`: no NOTIFY; looks from 1 ms up to poll.interval.ms apart. Writers that use two-phase commit need `poll`: PostgreSQL refuses to prepare a transaction that has sent a NOTIFY.")
    static let batchRows = Setting<Int>.int(
        "batch.max.rows", default: 2000, range: 1...1_000_000, importance: .low, displayName: "Rows per batch", aliases: ["max.batch.size"], "Most changes read in one batch.")
    static let batchBytes = Setting<Int>.int(
        "batch.max.bytes", default: 4 << 20, range: 1024...(512 << 20), importance: .low, displayName: "Bytes per batch",
        "Batches are kept to about so many bytes of row images.")
    static let chunkTime = Setting<Int>.int(
        "backfill.chunk.ms", default: 200, range: 1...60_000, importance: .low, displayName: "Backfill chunk (ms)",
        "How long one read of a table that is delivered initially may take: chunks grow and shrink to it, so that VACUUM is never held back.")
    static let fenceForce = Setting<FlushFence.Force>.choice(
        "fence.force", default: .tailRow, importance: .low, displayName: "Flush fence",
        "`tail-row`: where the server has not flushed its log yet, a small durable commit of ours makes it; `wait`: read-only, waits for the server.")
    static let idlePersist = Setting<Int>.int(
        "offset.idle.ms", default: 30_000, range: 100...3_600_000, importance: .low, displayName: "Idle offsets (ms)",
        "How often the offsets of tables without changes are stored.")
    static let prune = Setting<Bool>.boolean(
        "prune", default: true, importance: .medium, displayName: "Prune the change table",
        "Whether changes are deleted once every reader has them durably and they are older than `prune.retention.ms`.")
    static let retention = Setting<Int>.int(
        "prune.retention.ms", default: 3_600_000, range: 0...Int.max, type: .long, importance: .low, displayName: "Retention of changes (ms)",
        "How long changes stay in the change table after every reader has them.")
    static let readerExpiry = Setting<Int>.int(
        "reader.expire.ms", default: 7 * 86_400_000, range: 60_000...Int.max, type: .long, importance: .low, displayName: "Forget readers after (ms)",
        "A reader that was not seen for so long no longer keeps changes from being pruned; said in the log.")

    static let definition = ConfigDefinition()
        .group("Database", PostgresConnectionSettings.url, PostgresConnectionSettings.user, PostgresConnectionSettings.password, PostgresConnectionSettings.timeout)
        .group("Tables", include, exclude, schemaInclude, schemaExclude, keyColumns)
        .group("Capture", mode, arm, always, lockTimeout, snapshotMode, historyLost, timelineChange, replayWindow, prune, retention, readerExpiry)
        .group("Tables that are read as they are", capture, eventXid, incrementingColumn, incrementingInitial, timestampColumns, timestampInitial, timestampDelay, validatesNonNull, tableTypes)
        .group("Records", topicPrefix, shape, tombstones, skipped, decimals, specialDecimals, infinity, timePrecision, trim, numericMapping)
        .group("Reading", pollInterval, wake, batchRows, batchBytes, chunkTime, fenceForce, idlePersist)

    private static func list(_ name: Name, _ aliases: [Name], _ documentation: String) -> Setting<[String]> {
        Setting(name, .list, default: "", importance: .high, width: .long, aliases: aliases, documentation) { (text: String) throws(SettingError) -> [String] in
            let items = splitList(text)
            for item in items { _ = try RegularExpression(item) }
            return items
        }
    }
}

/// The key of the tables whose name matches.
struct KeyColumns: Sendable {
    let tables: RegularExpression
    let columns: [String]

    static func parse(_ text: String) throws(SettingError) -> [KeyColumns] {
        var keys: [KeyColumns] = []
        for item in text.split(separator: ";") {
            guard let colon = item.lastIndex(of: ":") else { throw SettingError("must look like schema.table:column,column;schema.table:column") }
            let columns = splitList(String(item[item.index(after: colon)...]))
            if columns.isEmpty || columns.contains("") { throw SettingError("names no column for table \(item[..<colon])") }
            keys.append(KeyColumns(tables: try RegularExpression(String(item[..<colon]).trimmedASCII), columns: columns))
        }
        return keys
    }
}
