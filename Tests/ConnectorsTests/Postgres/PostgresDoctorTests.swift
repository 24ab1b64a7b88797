import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

/// What a close look at a server finds: every fault is made, found with what it costs, mended by the statements of the finding, and gone.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresDoctorTests {
    /// A server of their own: settings are changed here.
    private static let server = Result { try PostgresServer() }

    private func run() throws -> PostgresRun { try PostgresRun(Self.server.get()) }

    private func look(_ run: PostgresRun, _ settings: [(Name, String)] = [], user: String = "postgres", long: Int = 60_000) throws -> [CheckFinding] {
        var map = run.map()
        map["connection.url"] = .some(run.server.url(run.database, user: user))
        for (name, value) in settings { map[name] = .some(value) }
        return try Checks.findings("PostgresSource", map, .thorough, longMilliseconds: long)
    }

    /// Finds a fault, runs what the finding says, and waits until it is gone.
    private func mend(_ code: String, _ run: PostgresRun, severity: CheckFinding.Severity = .warning, look: () throws -> [CheckFinding]) throws {
        let found = try look()
        let finding = try #require(found.first(code), "\(code) is not among \(found.codes)")
        #expect(finding.severity == severity && finding.cost != nil, "\(finding)")
        #expect(!finding.statements.isEmpty, "\(finding)")
        for statement in found.filter({ $0.code == code }).flatMap(\.statements) { try run.sql.execute(statement) }
        // Settings and statistics take effect a moment later.
        #expect(eventually { (try? look()).map { $0.first(code) == nil } == true }, "\(code) is still found")
    }

    private func arm(_ run: PostgresRun) throws {
        let source = try run.source()
        try source.start()
        try source.settle()
        source.stop()
    }

    // MARK: the server

    @Test func settingsThatCostDurabilityOrTidinessAreFound() async throws {
        try await onThread {
            let run = try run(), role = "careless_\(run.database)"
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE \(role) LOGIN SUPERUSER")
            for code in ["postgres.fsync", "postgres.full_page_writes"] { try mend(code, run) { try look(run) } }
            for make in [
                "ALTER SYSTEM SET synchronous_commit = off", "ALTER DATABASE \(run.database) SET synchronous_commit = off", "ALTER ROLE \(role) SET synchronous_commit = off",
                "ALTER ROLE \(role) IN DATABASE \(run.database) SET synchronous_commit = off",
            ] {
                try run.sql.execute(make)
                try run.sql.execute("SELECT pg_reload_conf()")
                #expect(eventually { ((try? look(run, user: role)) ?? []).first("postgres.synchronous_commit") != nil }, "\(make)")
                try mend("postgres.synchronous_commit", run) { try look(run, user: role) }
            }
            for name in ["autovacuum", "track_counts"] {
                try run.sql.execute("ALTER SYSTEM SET \(name) = off")
                try run.sql.execute("SELECT pg_reload_conf()")
                #expect(eventually { ((try? look(run)) ?? []).first("postgres.autovacuum") != nil })
                try mend("postgres.autovacuum", run) { try look(run) }
            }
            try run.sql.execute("DROP ROLE \(role)")
        }
    }

    @Test func transactionsThatHoldThingsBackAreNamedAndEnded() async throws {
        try await onThread {
            let run = try run()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            #expect(try look(run, long: 0).first("postgres.idle_in_transaction") == nil)
            let idle = try run.connect()
            try idle.execute("BEGIN; INSERT INTO t VALUES (1)")
            let found = try look(run, long: 0)
            #expect(found.first("postgres.idle_in_transaction")?.statements == ["SELECT pg_terminate_backend(\(idle.backendProcess))"])
            #expect(found.first("postgres.idle_in_transaction")?.message.contains("in which it wrote") == true)
            #expect(try look(run).first("postgres.idle_in_transaction") == nil, "younger than a minute")
            try mend("postgres.idle_in_transaction", run) { try look(run, long: 0) }
            let prepared = try run.connect()
            try prepared.execute("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'odd ''name\\'")
            try mend("postgres.prepared_transaction", run) { try look(run, long: 0) }
        }
    }

    @Test func aStatementThatRunsLongIsNamedAndEnded() async throws {
        let (server, database) = try await onThread {
            let run = try run()
            return (run.server, run.database)
        }
        async let ended = onThread { (try? server.connect(database).execute("SELECT pg_sleep(600)")) == nil }
        try await onThread {
            let run = try PostgresRun(server)
            #expect(eventually { ((try? look(run, long: 0)) ?? []).first("postgres.long_transaction") != nil })
            try mend("postgres.long_transaction", run) { try look(run, long: 0) }
        }
        #expect(try await ended)
    }

    @Test func aRoleThatCannotSeeAndLimitsThatAreTooTight() async throws {
        try await onThread {
            let run = try run(), role = "narrow_\(run.database)"
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE \(role) LOGIN; GRANT SELECT ON t TO \(role)")
            let mode: [(Name, String)] = [("mode", "bulk"), ("tasks.max", "3")]
            try mend("postgres.blind", run) { try look(run, mode, user: role) }
            try run.sql.execute("ALTER ROLE \(role) CONNECTION LIMIT 2")
            try mend("postgres.connections", run) { try look(run, mode, user: role) }
            try run.sql.execute("ALTER DATABASE \(run.database) CONNECTION LIMIT 3")
            try mend("postgres.connections", run) { try look(run, mode, user: role) }
            // The server's own limit takes a restart.
            let many: [(Name, String)] = [("tasks.max", "120")]
            let finding = try #require(look(run, many).first("postgres.connections"))
            for statement in finding.statements { try run.sql.execute(statement) }
            try run.server.stop()
            try run.server.start()
            #expect(try look(run, many).first("postgres.connections") == nil)
            let again = try run.connect()
            try again.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    @Test(arguments: [
        (before: 1000, server: 1005, after: 1010, skew: nil), (before: 1000, server: 2900, after: 1010, skew: nil), (before: 1000, server: 5000, after: 1010, skew: 3990),
        (before: 90_000, server: 1000, after: 90_010, skew: -89_000), (before: 0, server: 4000, after: 9000, skew: nil), (before: 5000, server: 2900, after: 4000, skew: nil),
    ] as [(before: Int64, server: Int64, after: Int64, skew: Int64?)])
    func clocksAreApartOnlyWhenThatIsCertain(_ example: (before: Int64, server: Int64, after: Int64, skew: Int64?)) {
        #expect(ClockSkew(before: example.before, server: example.server, after: example.after).milliseconds == example.skew)
    }

    // MARK: the change table and the tables

    struct Fault: Sendable, CustomTestStringConvertible {
        let code: String
        let make: String
        var severity = CheckFinding.Severity.warning
        var settings: [(Name, String)] = []
        var long = 60_000
        var testDescription: String { "\(code) \(settings.map { "\($0.0)=\($0.1)" }.joined(separator: " "))" }
    }
    private static let fence: [(Name, String)] = [("mode", "fence"), ("table.include.list", "public.e")]
    private static func byTime(_ mode: String) -> [(Name, String)] { [("mode", mode), ("timestamp.column.name", "changed"), ("table.include.list", "public.e")] }
    static let faults: [Fault] = [
        Fault(code: "postgres.source.change_unlogged", make: "ALTER TABLE connectd.change SET UNLOGGED", severity: .error),
        Fault(code: "postgres.source.change_autovacuum", make: "ALTER TABLE connectd.change SET (autovacuum_enabled = false)"),
        Fault(code: "postgres.source.change_autovacuum", make: "ALTER TABLE connectd.tail SET (autovacuum_enabled = off)"),
        Fault(code: "postgres.source.change_index", make: "DROP INDEX connectd.change_xid"),
        Fault(code: "postgres.source.change_index", make: "DROP INDEX connectd.change_xid; CREATE INDEX change_xid ON connectd.change (id)"),
        Fault(
            code: "postgres.source.change_bloat",
            make: "ALTER TABLE connectd.change SET (autovacuum_enabled = false); INSERT INTO connectd.change (tbl, op) SELECT 0, 'c' FROM generate_series(1, 60000); DELETE FROM connectd.change"),
        Fault(
            code: "postgres.source.reader_away", make: "INSERT INTO connectd.tail (name, snap, beat) VALUES ('odd ''reader\\/0', pg_current_snapshot(), now() - interval '1 day')",
            settings: [("reader.expire.ms", "60000")]),
        Fault(
            code: "postgres.source.unpruned",
            make: "INSERT INTO connectd.change (tbl, op, ts) SELECT 0, 'c', now() - interval '2 hours' FROM generate_series(1, 10000); UPDATE connectd.tail SET snap = pg_current_snapshot()"),
        Fault(code: "postgres.source.unlogged", make: "CREATE UNLOGGED TABLE \"u U\" (id int PRIMARY KEY)"),
        Fault(code: "postgres.source.no_index", make: "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY)", settings: fence),
        Fault(code: "postgres.source.no_index", make: "CREATE TABLE e (id bigserial PRIMARY KEY, changed timestamptz NOT NULL)", settings: byTime("timestamp")),
        Fault(code: "postgres.source.no_index", make: "CREATE TABLE e (id bigserial PRIMARY KEY, changed timestamptz NOT NULL)", settings: byTime("timestamp+incrementing")),
        Fault(
            code: "postgres.source.sequence_cache", make: "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 10) PRIMARY KEY)",
            settings: [("mode", "incrementing"), ("table.include.list", "public.e")]),
    ]

    @Test(arguments: faults) func isFoundMendedAndGone(_ fault: Fault) async throws {
        try await onThread {
            let run = try run()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            try arm(run)
            try run.sql.execute("UPDATE connectd.tail SET name = 'looked-at/1'")
            #expect(try look(run).first(fault.code) == nil, "nothing of it is wrong before")
            for statement in fault.make.split(separator: ";") { try run.sql.execute(String(statement)) }
            #expect(eventually { ((try? look(run, fault.settings, long: fault.long)) ?? []).first(fault.code) != nil }, "\(fault.code) is not found")
            try mend(fault.code, run, severity: fault.severity) { try look(run, fault.settings, long: fault.long) }
        }
    }

    @Test func theConnectorsOwnReaderIsDescribed() async throws {
        try await onThread {
            let run = try run()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            try arm(run)
            try run.sql.execute("DELETE FROM connectd.tail; INSERT INTO connectd.tail (name, snap) VALUES ('looked-at/0', pg_current_snapshot())")
            #expect(try look(run).first("postgres.source.reader")?.message.contains("0 changes wait") == true)
            try run.sql.execute("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
            #expect(try look(run).first("postgres.source.reader")?.message.contains("2 changes wait") == true)
            let lag = try #require(look(run, long: 0).first("postgres.source.lag"))
            #expect(lag.severity == .warning && lag.message.contains("2 changes wait") && lag.suggestion?.contains("start the connector") == true)
            try run.sql.execute("UPDATE connectd.tail SET snap = pg_current_snapshot()")
            #expect(try look(run, long: 0).first("postgres.source.lag") == nil)
            try run.sql.execute("UPDATE connectd.tail SET expired = true")
            #expect(try look(run).first("postgres.source.forgotten")?.severity == .error)
            #expect(try look(run, [("on.history.lost", "earliest")]).first("postgres.source.forgotten")?.severity == .warning)
        }
    }

    /// The change table of a source that works is found well.
    @Test func aDatabaseThatIsWellIsFoundWell() async throws {
        try await onThread {
            let run = try PostgresRun(PostgresServer(PostgresServer.Options(isDurable: true)))
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            try arm(run)
            try run.sql.execute("INSERT INTO t VALUES (1)")
            for settings in [[], [("capture", "events")], Self.fence, [("mode", "incrementing")], [("mode", "bulk")]] as [[(Name, String)]] {
                if settings.first?.0 == "mode" || settings.first?.0 == "capture" {
                    try run.sql.execute("DROP TABLE IF EXISTS t; CREATE TABLE IF NOT EXISTS e (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
                }
                let found = try look(run, settings)
                #expect(found.codes == [], "\(settings): \(found.troubles)")
            }
            #expect(try Checks.findings("PostgresSink", ConfigMap(["connection.url": run.server.url(run.database), "topics": "t", "table.name.format": "e"]), .thorough, kind: .sink).codes == [])
            try run.server.stop("immediate")
        }
    }

    /// No look draws a transaction number: it cannot have written anything.
    @Test func noLookWrites() async throws {
        try await onThread {
            let run = try PostgresRun(PostgresServer(PostgresServer.Options(settings: ["autovacuum = off"])))
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, changed timestamptz NOT NULL DEFAULT now())")
            for isArmed in [false, true] {
                if isArmed { try arm(run) }
                let before = try run.sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").text(0, 0), content = try run.content()
                for settings in [[], [("arm", "check")], [("capture", "events"), ("table.include.list", "public.e")], Self.fence, Self.byTime("timestamp"), [("mode", "bulk")]] as [[(Name, String)]] {
                    _ = try look(run, settings, long: 0)
                }
                for format in ["t", "made_later", "new_schema.t"] {
                    let map = ConfigMap(["connection.url": run.server.url(run.database), "topics": "t", "table.name.format": format])
                    _ = try Checks.findings("PostgresSink", map, .thorough, kind: .sink)
                }
                #expect(try run.sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").text(0, 0) == before)
                #expect(try run.content() == content)
            }
            try run.server.stop("immediate")
        }
    }

    // MARK: sinks

    static let sinkFaults: [Fault] = [
        Fault(code: "postgres.sink.no_temporary", make: "REVOKE TEMPORARY ON DATABASE DATABASENAME FROM PUBLIC"),
        Fault(code: "postgres.sink.unlogged", make: "ALTER TABLE connectd.sink_offset SET UNLOGGED", severity: .error),
        Fault(code: "postgres.sink.unlogged", make: "ALTER TABLE t SET UNLOGGED", severity: .error),
        Fault(code: "postgres.sink.autovacuum", make: "ALTER TABLE connectd.sink_offset SET (autovacuum_enabled = false)"),
        Fault(code: "sink.no_unique_key", make: "ALTER TABLE t DROP CONSTRAINT t_pkey", severity: .error, settings: [("pk.mode", "record_value"), ("pk.fields", "id")]),
    ]

    @Test(arguments: sinkFaults) func aSinksFaultIsFoundMendedAndGone(_ fault: Fault) async throws {
        try await onThread {
            let run = try run(), role = "writer_\(run.database)"
            try run.sql.execute("CREATE ROLE \(role) LOGIN; CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); GRANT ALL ON t TO \(role); GRANT pg_read_all_stats TO \(role); CREATE SCHEMA connectd AUTHORIZATION \(role)")
            let url = run.server.url(run.database, user: role)
            try PostgresSinkRun(url).write(PostgresSinkFailureTests.topic([PostgresSinkTests.flat(1, 1)]))
            var map = ConfigMap(["connection.url": url, "topics": "t", "table.name.format": "t"])
            for (name, value) in fault.settings { map[name] = .some(value) }
            func look() throws -> [CheckFinding] { try Checks.findings("PostgresSink", map, .thorough, kind: .sink) }
            #expect(try look().first(fault.code) == nil)
            try run.sql.execute(fault.make.replacing("DATABASENAME", with: run.database))
            try mend(fault.code, run, severity: fault.severity) { try look() }
            try run.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }
}
