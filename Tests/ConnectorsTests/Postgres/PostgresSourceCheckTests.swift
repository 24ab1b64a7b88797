import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Testing

/// What is found about a database before a source starts: every fault is made, found, mended by what the finding says, and gone.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSourceCheckTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let code: String
        /// As the superuser; `ROLE` is the connector's role, which has nothing but its login.
        let make: String
        var severity = CheckFinding.Severity.error
        /// Whether a source has captured table t before.
        var isArmed = false
        /// Whether the connector logs in as that role.
        var asRole = false
        var settings: [(Name, String)] = []
        /// What mends it where the finding gives words only.
        var mend: String?
        var testDescription: String { "\(code) \(make.prefix(60)) \(settings.map { "\($0.0)=\($0.1)" }.joined(separator: " "))" }
    }

    static let events: [(Name, String)] = [("capture", "events"), ("table.include.list", "public.e")]
    static let fence: [(Name, String)] = [("mode", "fence"), ("table.include.list", "public.e")]
    static let eventTable = "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text); INSERT INTO e (what) VALUES ('one');"
    static let faults: [Fault] = [
        Fault(code: "postgres.source.not_armed", make: "GRANT SELECT ON t TO ROLE", asRole: true),
        Fault(code: "postgres.source.not_armed", make: "GRANT SELECT, TRIGGER ON t TO ROLE", asRole: true),
        Fault(code: "postgres.source.not_armed", make: "GRANT SELECT ON t TO ROLE; GRANT SELECT, DELETE ON connectd.change TO ROLE; GRANT SELECT, INSERT, UPDATE ON connectd.tail TO ROLE; GRANT USAGE ON SCHEMA connectd TO ROLE; CREATE TABLE u (id int PRIMARY KEY); GRANT SELECT ON u TO ROLE", isArmed: true, asRole: true),
        Fault(code: "postgres.source.not_armed", make: "GRANT SELECT, TRIGGER ON t TO ROLE; GRANT USAGE, CREATE ON SCHEMA connectd TO ROLE; GRANT SELECT, DELETE ON connectd.change TO ROLE; GRANT SELECT, INSERT, UPDATE ON connectd.tail TO ROLE; COMMENT ON FUNCTION connectd.capture() IS 'connectd, version 0'", isArmed: true, asRole: true),
        Fault(code: "postgres.source.not_armed", make: "", settings: [("arm", "check")]),
        Fault(code: "postgres.source.not_armed", make: "", settings: [("arm", "off")]),
        Fault(code: "postgres.source.not_captured", make: "DROP TRIGGER connectd_capture ON t", severity: .warning, isArmed: true, settings: [("arm", "off")]),
        Fault(code: "postgres.source.permission", make: "", isArmed: true, asRole: true),
        Fault(code: "postgres.source.permission", make: "GRANT SELECT ON t TO ROLE; GRANT USAGE ON SCHEMA connectd TO ROLE; GRANT SELECT ON connectd.change, connectd.tail TO ROLE", isArmed: true, asRole: true),
        Fault(code: "postgres.source.permission", make: "CREATE SCHEMA s; CREATE TABLE s.e (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", asRole: true, settings: [("mode", "fence"), ("table.include.list", "s.e")]),
        Fault(code: "postgres.source.trigger_disabled", make: "ALTER TABLE t DISABLE TRIGGER connectd_capture", isArmed: true),
        Fault(code: "postgres.source.trigger_disabled", make: "ALTER TABLE t ENABLE REPLICA TRIGGER connectd_truncate", isArmed: true),
        Fault(code: "postgres.source.wake_disabled", make: "ALTER TABLE t DISABLE TRIGGER connectd_wake", severity: .warning, isArmed: true),
        Fault(code: "postgres.source.sequence_cache", make: "ALTER TABLE connectd.change ALTER COLUMN id SET CACHE 20", isArmed: true),
        Fault(code: "postgres.source.foreign_xids", make: "INSERT INTO connectd.change (xid, tbl, op) VALUES ('4611686018427387904', 0, 'c')", isArmed: true),
        Fault(code: "postgres.source.deferrable_key", make: "CREATE TABLE d (id int, \"a b\" int, CONSTRAINT \"odd name\" PRIMARY KEY (id, \"a b\") DEFERRABLE)"),
        Fault(code: "postgres.source.no_key", make: "CREATE TABLE d (id int NOT NULL)", mend: "ALTER TABLE d ADD PRIMARY KEY (id)"),
        Fault(code: "postgres.source.no_key", make: "CREATE TABLE d (id int NOT NULL)", severity: .warning, settings: [("snapshot.mode", "no_data")], mend: "ALTER TABLE d ADD PRIMARY KEY (id)"),
        Fault(code: "config.invalid_value", make: "", settings: [("message.key.columns", "public.t:nothing")], mend: "ALTER TABLE t ADD nothing int"),
        Fault(code: "postgres.source.no_table", make: "", settings: [("table.include.list", "public.order")], mend: "CREATE TABLE \"order\" (id int PRIMARY KEY)"),
        Fault(code: "postgres.source.no_tables", make: "", severity: .warning, settings: [("table.include.list", "public\\.new_.*")], mend: "CREATE TABLE new_things (id int PRIMARY KEY)"),
        Fault(code: "postgres.source.unmatched_pattern", make: "", severity: .warning, settings: [("table.include.list", "public.t,public\\.new_.*")], mend: "CREATE TABLE new_things (id int PRIMARY KEY)"),
        Fault(code: "postgres.source.topic_collision", make: "CREATE TABLE \"a b\" (id int PRIMARY KEY); CREATE TABLE \"a_b\" (id int PRIMARY KEY)", mend: "DROP TABLE a_b"),
        Fault(code: "postgres.source.row_security", make: "ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t TO ROLE", severity: .warning, asRole: true),
        Fault(code: "postgres.source.not_armed", make: eventTable + "GRANT SELECT ON e TO ROLE", asRole: true, settings: events),
        Fault(code: "postgres.source.not_armed", make: eventTable, settings: events + [("arm", "check")]),
        Fault(code: "postgres.source.xid_column", make: eventTable + "ALTER TABLE e ADD COLUMN xid bigint", settings: events, mend: "ALTER TABLE e DROP COLUMN xid"),
        Fault(code: "postgres.source.xid_column", make: eventTable + "ALTER TABLE e ADD COLUMN xid xid8; ALTER TABLE e ALTER COLUMN xid SET DEFAULT '7'; CREATE INDEX ON e (xid, id)", settings: events),
        Fault(code: "postgres.source.foreign_xids", make: eventTable + "ALTER TABLE e ADD COLUMN xid xid8; ALTER TABLE e ALTER COLUMN xid SET DEFAULT pg_current_xact_id(); CREATE INDEX ON e (xid, id); UPDATE e SET xid = '4611686018427387904'", settings: events),
        Fault(code: "postgres.source.sequence_cache", make: "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 20) PRIMARY KEY)", settings: events),
        Fault(code: "postgres.source.sequence_cache", make: "CREATE SEQUENCE \"odd seq\" CACHE 50; CREATE TABLE e (id bigint PRIMARY KEY DEFAULT nextval('\"odd seq\"'))", settings: fence),
        Fault(code: "postgres.source.sequence_step", make: "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY (INCREMENT 10 CYCLE) PRIMARY KEY)", settings: fence),
        Fault(code: "postgres.source.may_be_null", make: "CREATE TABLE e (id bigserial); ALTER TABLE e ALTER COLUMN id DROP NOT NULL", settings: fence),
        Fault(code: "postgres.source.may_be_null", make: "CREATE TABLE e (id int PRIMARY KEY, changed timestamptz)", settings: [("mode", "timestamp"), ("timestamp.column.name", "changed"), ("table.include.list", "public.e")]),
        Fault(code: "postgres.source.no_number", make: "CREATE TABLE e (id bigint PRIMARY KEY)", settings: fence, mend: "ALTER TABLE e ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY"),
        Fault(code: "postgres.source.no_time", make: "CREATE TABLE e (id int PRIMARY KEY)", settings: [("mode", "timestamp"), ("timestamp.column.name", "changed"), ("table.include.list", "public.e")], mend: "ALTER TABLE e ADD changed timestamptz NOT NULL DEFAULT now()"),
        Fault(code: "postgres.source.number_below_one", make: eventTable + "INSERT INTO e (id) OVERRIDING SYSTEM VALUE VALUES (0)", settings: fence, mend: "DELETE FROM e WHERE id < 1"),
    ]

    @Test(arguments: faults) func isFoundMendedAndGone(_ fault: Fault) async throws {
        try await onThread {
            let run = try PostgresRun(), role = "looker_\(run.database)"
            try run.sql.execute("CREATE ROLE \(role) LOGIN; CREATE TABLE t (id int PRIMARY KEY)")
            defer { _ = try? run.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)") }
            if fault.isArmed {
                let source = try run.source()
                try source.start()
                try source.settle()
                source.stop()
            }
            let isNeeded = fault.code != "postgres.source.not_armed" && fault.asRole == false && fault.settings.isEmpty
            if isNeeded { #expect(try Checks.findings("PostgresSource", run.map()).codes == [], "nothing is wrong before") }
            try run.sql.execute(fault.make.replacing("ROLE", with: role))
            var map = run.map()
            if fault.asRole { map["connection.url"] = .some(run.server.url(run.database, user: role)) }
            for (name, value) in fault.settings { map[name] = .some(value) }
            let before = try run.content()
            let found = try Checks.findings("PostgresSource", map)
            let finding = try #require(found.first(fault.code), "\(found)")
            #expect(finding.severity == fault.severity)
            #expect(found.filter { $0.code == fault.code }.allSatisfy { !$0.statements.isEmpty || $0.suggestion != nil })
            #expect(finding.cause == (fault.asRole && fault.severity == .error ? .refused : .asked))
            #expect(try run.content() == before, "a look changes nothing")
            for statement in fault.mend.map({ [$0] }) ?? found.troubles.filter({ $0.code == fault.code }).flatMap(\.statements) { try run.sql.execute(statement) }
            let after = try Checks.findings("PostgresSource", map)
            #expect(after.first(fault.code) == nil, "\(after.troubles)")
        }
    }

    /// What the finding gives is all that a role needs which owns nothing.
    @Test func aRoleWithoutRightsCapturesAfterWhatItWasTold() async throws {
        try await onThread {
            let run = try PostgresRun(), role = "looker_\(run.database)"
            try run.sql.execute("CREATE ROLE \(role) LOGIN; CREATE TABLE t (id int PRIMARY KEY)")
            let map = run.map(["connection.url": run.server.url(run.database, user: role)])
            let found = try Checks.findings("PostgresSource", map)
            #expect(Set(found.codes) == ["postgres.source.not_armed", "postgres.source.permission"], "everything at once: \(found.troubles)")
            for statement in found.flatMap(\.statements) { try run.sql.execute(statement) }
            #expect(try Checks.findings("PostgresSource", map).codes == [])
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            try source.settle()
            try run.sql.execute("INSERT INTO t VALUES (1)")
            #expect(try source.live(1).count == 1)
            source.stop()
            #expect(try Checks.findings("PostgresSource", map).codes == [])
            try run.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    @Test func whatIsWellIsSaid() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t")
            let found = try Checks.findings("PostgresSource", run.map())
            #expect(found.allSatisfy { $0.severity == .ok })
            let words = found.map(\.message).joined(separator: "\n")
            for part in ["PostgreSQL ", "database \"\(run.database)\"", "as postgres (TLS off)", "public.t: about 1000 rows, key id, to topic t.public.t", "made at the start", "0 of 1 table captured"] {
                #expect(words.contains(part), "\(words)")
            }
        }
    }

    /// Every class of another product's that is run by the source has its configuration looked at too.
    @Test func otherNamesAreLookedAtToo() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY)")
            let debezium = ConfigMap([
                "database.hostname": run.server.folder, "database.port": "\(run.server.port)", "database.user": "postgres", "database.dbname": run.database, "topic.prefix": "p",
                "table.include.list": "public.tt",
            ])
            #expect(try Checks.findings("io.debezium.connector.postgresql.PostgresConnector", debezium).codes == ["postgres.source.no_table"])
            for name in ["io.confluent.connect.jdbc.JdbcSourceConnector", "io.aiven.connect.jdbc.JdbcSourceConnector"] {
                let map = ConfigMap(["connection.url": run.server.url(run.database), "topic.prefix": "p", "mode": "incrementing", "incrementing.column.name": "number"])
                #expect(try Checks.findings(name, map).codes == ["postgres.source.no_number"])
            }
        }
    }

    // MARK: what keeps us out

    @Test func whoIsKeptOutIsToldWhyWithoutThePassword() async throws {
        try await onThread {
            let run = try PostgresRun(), role = "looker_\(run.database)", port = run.server.port
            try run.sql.execute("CREATE ROLE \(role) LOGIN PASSWORD 'right'; CREATE TABLE t (id int PRIMARY KEY); GRANT CREATE ON DATABASE \(run.database) TO \(role); GRANT SELECT, TRIGGER ON t TO \(role)")
            defer { _ = try? run.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)") }
            let secret = "wr0ng s%cret"
            func found(_ url: String, _ password: String = secret) throws -> [CheckFinding] {
                let found = try Checks.findings("PostgresSource", run.map(["connection.url": url, "connection.user": role, "connection.password": password, "connection.timeout.ms": "2000"]))
                for one in found { #expect(!"\(one)".contains(password), "\(one)") }
                return found
            }
            let place = "postgresql://127.0.0.1:\(port)/\(run.database)"
            #expect(try found(place, "right").codes == [])
            let cases: [(url: String, password: String, code: String, cause: CheckFinding.Cause)] = [
                (place, secret, "postgres.source.refused", .refused),
                ("postgresql://127.0.0.1:\(port)/nowhere", "right", "postgres.source.refused", .refused),
                ("postgresql://127.0.0.1:1/\(run.database)", secret, "postgres.source.connection", .unreachable),
                ("postgresql://nowhere.invalid/\(run.database)", secret, "postgres.source.connection", .unreachable),
                (place + "?sslmode=require", "right", "postgres.source.connection", .unreachable),
                (place + "?sslmode=verify-full&sslrootcert=/nowhere/root.pem", "right", "postgres.source.connection", .unreachable),
            ]
            for example in cases {
                let found = try found(example.url, example.password)
                #expect(found.map(\.code) == [example.code], "\(example.url)")
                #expect(found.first?.cause == example.cause && found.first?.severity == .error, "\(found)")
            }
            #expect(try found(place + "?sslmode=require", "right").first?.message.contains("SSL") == true)
        }
    }

    @Test func aStandbyIsNoPrimary() async throws {
        try await onThread {
            let primary = try PostgresServer()
            let database = try PostgresRun(primary).database
            let standby = try primary.makeStandby()
            let map = ConfigMap(["connection.url": standby.url(database), "topic.prefix": "p"])
            let ready = try Checks.findings("PostgresSource", map)
            #expect(ready.codes.contains("postgres.source.standby"))
            var jdbc = map
            jdbc["mode"] = .some("bulk")
            #expect(try !Checks.findings("PostgresSource", jdbc).codes.contains("postgres.source.standby"))
            try standby.stop("immediate")
            try primary.stop("immediate")
        }
    }

    /// A table that another server's changes are applied to needs triggers that fire for them.
    @Test func aSubscriptionsTableNeedsTriggersThatAlwaysFire() async throws {
        try await onThread {
            let server = try PostgresServer(PostgresServer.Options(settings: ["wal_level = logical"]))
            let from = try PostgresRun(server), to = try PostgresRun(server)
            for run in [from, to] { try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)") }
            try from.sql.execute("CREATE PUBLICATION all_of_it FOR TABLE t")
            try from.sql.execute("SELECT pg_create_logical_replication_slot('copying', 'pgoutput')")
            try to.sql.execute(
                "CREATE SUBSCRIPTION copying CONNECTION 'host=\(server.folder) port=\(server.port) user=postgres dbname=\(from.database)' PUBLICATION all_of_it WITH (create_slot = false, copy_data = false)")
            let source = try to.source()
            try source.start()
            try source.settle()
            source.stop()
            let found = try Checks.findings("PostgresSource", to.map())
            #expect(found.codes == ["postgres.source.replica_changes"])
            for statement in found.flatMap(\.statements) { try to.sql.execute(statement) }
            #expect(try Checks.findings("PostgresSource", to.map()).codes == [])
            #expect(try Checks.findings("PostgresSource", to.map(["arm.enable.always": "true"])).codes == [])
            // It is true: what is applied is captured now.
            try source.start()
            try from.sql.execute("INSERT INTO t VALUES (1)")
            #expect(try source.live(1, polls: 400).count == 1)
            source.stop()
            try server.stop("immediate")
        }
    }
}

extension PostgresRun {
    /// What stands in a database, as far as a look could have changed it.
    func content() throws -> String {
        let lists = try sql.execute(
            """
            SELECT (SELECT string_agg(c.oid || ' ' || c.relname || ' ' || coalesce(c.relacl::text, ''), ',' ORDER BY c.oid) FROM pg_class c WHERE c.relnamespace > 16383 OR c.relnamespace = 'public'::regnamespace),
              (SELECT string_agg(t.tgrelid || ' ' || t.tgname || ' ' || t.tgenabled::text, ',' ORDER BY t.oid) FROM pg_trigger t), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace),
              (SELECT string_agg(a.attrelid || ' ' || a.attname, ',' ORDER BY a.attrelid, a.attnum) FROM pg_attribute a WHERE a.attrelid > 16383)
            """)
        var text = (0..<5).map { lists.text(0, $0) ?? "" }.joined(separator: "; ")
        for table in ["change", "tail"] where try sql.execute("SELECT to_regclass('connectd.\(table)') IS NOT NULL").boolean(0, 0) {
            text += try sql.execute("SELECT string_agg(c::text, ';' ORDER BY c::text) FROM connectd.\(table) c").text(0, 0) ?? ""
        }
        return text
    }
}
