import ConnectRuntime
import ConnectTesting
import Connectors
import Glibc
import Postgres
import PostgresTesting
import Synchronization
import Testing

/// What goes wrong at the server while a source runs: it goes on by itself where it can, and says what to do where it cannot.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresTroubleTests {
    static let modes: [KeyValuePairs<Name, String>] = [[:], ["mode": "fence", "table.include.list": "public.t"], ["capture": "events", "table.include.list": "public.t"]]

    /// Polls until so many live records came; errors on the way must be ones that pass.
    func patiently(_ source: SourceRun, _ enough: Int, polls: Int = 100) -> (records: [Record], errors: [ConnectError]) {
        var records: [Record] = [], errors: [ConnectError] = []
        for _ in 0..<polls where records.count < enough {
            do { records += try source.live(1, polls: 1) } catch {
                errors.append(ConnectError(error))
                usleep(20_000)
            }
        }
        return (records, errors)
    }

    @Test(arguments: modes.indices) func aKilledSessionAndARestartedServerArePassedOver(mode: Int) async throws {
        try await onThread {
            let server = try PostgresServer(.init(isDurable: true))
            let run = try PostgresRun(server)
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY, note text); INSERT INTO t (note) VALUES ('a')")
            let source = try run.source(Self.modes[mode])
            try source.start()
            #expect(try source.live(1).count == 1)
            for round in 0..<3 {
                try run.sql.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'connectd' AND pid <> pg_backend_pid()")
                try run.sql.execute("INSERT INTO t (note) VALUES ('kill \(round)')")
                let (records, errors) = patiently(source, 1)
                #expect(records.count == 1)
                #expect(errors.allSatisfy { $0.kind == .retriable }, "\(errors.map(\.message))")
            }
            try server.stop("immediate")
            let down = patiently(source, 1, polls: 3)
            #expect(down.records.isEmpty && !down.errors.isEmpty && down.errors.allSatisfy { $0.kind == .retriable })
            try server.start()
            try run.connect().execute("INSERT INTO t (note) VALUES ('after')")
            let (records, errors) = patiently(source, 1)
            #expect(records.count == 1)
            #expect(errors.allSatisfy { $0.kind == .retriable }, "\(errors.map(\.message))")
            source.stop()
        }
    }

    @Test func aServerWithoutAFreeConnectionIsTriedAgain() async throws {
        try await onThread {
            let server = try PostgresServer(.init(settings: ["max_connections = 6", "superuser_reserved_connections = 3", "max_wal_senders = 0"]))
            let run = try PostgresRun(server)
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY); CREATE ROLE app LOGIN; GRANT SELECT ON t TO app")
            var map = run.map(["mode": "fence"])
            map["connection.user"] = .some("app")
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            var others: [Connection] = []
            while others.count < 10 {
                do { others.append(try Connection.open(ConnectionParameters(url: server.url(run.database, user: "app")))) } catch { break }
            }
            // The oldest session is the source's; somebody else takes its place as soon as it is free.
            try run.sql.execute("SELECT pg_terminate_backend(pid, 10000) FROM (SELECT pid FROM pg_stat_activity WHERE usename = 'app' ORDER BY backend_start LIMIT 1) s")
            others.append(try Connection.open(ConnectionParameters(url: server.url(run.database, user: "app"))))
            try run.sql.execute("INSERT INTO t DEFAULT VALUES")
            let (none, errors) = patiently(source, 1, polls: 5)
            #expect(none.isEmpty)
            #expect(errors.allSatisfy { $0.kind == .retriable })
            #expect(errors.contains { $0.suggestion?.contains("max_connections") == true }, "\(errors.map(\.message))")
            for other in others { other.close() }
            #expect(patiently(source, 1).records.count == 1)
            source.stop()
        }
    }

    @Test func aPasswordThatWasChangedFailsWithWhatToDo() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY); CREATE ROLE rotated_\(run.database) LOGIN PASSWORD 'first'; GRANT SELECT ON t TO rotated_\(run.database)")
            var map = run.map(["mode": "fence"])
            map["connection.url"] = .some("postgresql://127.0.0.1:\(run.server.port)/\(run.database)")
            map["connection.user"] = .some("rotated_\(run.database)")
            map["connection.password"] = .some("first")
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            try run.sql.execute(
                "ALTER ROLE rotated_\(run.database) PASSWORD 'second'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated_\(run.database)'; INSERT INTO t DEFAULT VALUES")
            let (none, errors) = patiently(source, 1, polls: 5)
            #expect(none.isEmpty)
            #expect(errors.last?.kind == .fatal)
            #expect(errors.last?.code == "postgres.source.refused")
            #expect(errors.last?.suggestion?.contains("connection.password") == true)
            source.stop()
            map["connection.password"] = .some("second")
            let again = try SourceRun("PostgresSource", map, context: source.context)
            try again.start()
            #expect(patiently(again, 1).records.count == 1)
            again.stop()
        }
    }

    @Test func aDroppedTableIsSaidAndTheOthersGoOn() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY); CREATE TABLE u (id bigserial PRIMARY KEY)")
            let source = try run.source(["table.include.list": "public.t,public.u"])
            try source.start()
            try source.settle()
            try run.sql.execute("DROP TABLE t; INSERT INTO u DEFAULT VALUES")
            #expect(patiently(source, 1).records.map(\.topic) == ["t.public.u"])
            for _ in 0..<10 where !source.context.notes.contains(where: { $0?.contains("public.t") == true }) { _ = patiently(source, 1, polls: 1) }
            #expect(source.context.notes.last??.contains("public.t") == true)
            #expect(source.context.log.all.contains { $0.contains("public.t") && $0.contains("table.include.list") })
            try run.sql.execute("INSERT INTO u DEFAULT VALUES")
            #expect(patiently(source, 1).records.map(\.topic) == ["t.public.u"])
            source.stop()
            // At the start a table that is named and not there is a mistake.
            let error = #expect(throws: ConnectError.self) { try source.start() }
            #expect(error?.code == "postgres.source.no_table")
            source.stop()
        }
    }

    @Test func tablesAreSharedAmongTasksAndEachReadsItsOwn() async throws {
        try await onThread {
            let run = try PostgresRun()
            for name in ["a", "b", "c", "d", "no"] { try run.sql.execute("CREATE TABLE \(name) (id int PRIMARY KEY); INSERT INTO \(name) VALUES (1)") }
            let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("PostgresSource") { $0 == .source })
            guard case .source(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no source") }
            let connector = make(), map = run.map(["table.include.list": "public\\..*", "table.exclude.list": "public.no"]), context = TestConnectorContext()
            try connector.start(plugin.definition.parse(map).config, context: context)
            let shares = try connector.taskConfigs(maximum: 3)
            #expect(shares.count == 3)
            var topics: [Name] = []
            for share in shares {
                let source = try SourceRun("PostgresSource", share)
                try source.start()
                topics += try source.live(2, polls: 4).map(\.topic)
                source.stop()
            }
            #expect(topics.sorted() == ["t.public.a", "t.public.b", "t.public.c", "t.public.d"])
            // A table that comes is somebody's: the tables are shared anew.
            try run.sql.execute("CREATE TABLE e (id int PRIMARY KEY)")
            for _ in 0..<600 where context.requests == 0 { usleep(50_000) }
            #expect(context.requests == 1)
            #expect(try connector.taskConfigs(maximum: 3).contains { $0.text("connectd.task.tables")?.contains("public.e") == true })
            context.wakeUp.set()
            connector.stop()
        }
    }

    @Test func whatIsLeftAndHowLateItIsIsMeasured() async throws {
        try await onThread {
            // Other suites' transactions are none of this one's.
            let run = try PostgresRun(PostgresServer())
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY)")
            let source = try run.source(["batch.max.rows": "10"])
            try source.start()
            try source.settle()
            let idle = try run.connect()
            try idle.execute("BEGIN; SELECT pg_current_xact_id()")
            try run.sql.execute("INSERT INTO t SELECT FROM generate_series(1, 95); UPDATE t SET id = id WHERE id = 1")
            #expect(try source.live(96).count == 96)
            for _ in 0..<20 where source.context.metrics.gauges["oldest_transaction_pid"] != Int64(idle.backendProcess) { _ = try source.poll() }
            let gauges = source.context.metrics.gauges
            #expect(gauges["changes_c"] == 95)
            #expect(gauges["changes_u"] == 1)
            #expect(gauges["lag_rows"] == 0)
            #expect(gauges["lag_milliseconds"] == 0)
            #expect(gauges["oldest_transaction_pid"] == Int64(idle.backendProcess))
            #expect(gauges["audited_rows"] ?? 0 >= 90)
            #expect(gauges["audit_missing_rows"] == 0)
            #expect(gauges["sequence_cache"] == 1)
            #expect(gauges["oldest_reader_milliseconds"] != nil)
            source.stop()
            try idle.execute("ROLLBACK")
        }
    }

    /// Everything that would break out of a URL, a setting, a literal or a line.
    static let password = "p@%'\"\\${\nx y"

    @Test(arguments: ["PostgresSource", "url", "io.debezium.connector.postgresql.PostgresConnector", "io.confluent.connect.jdbc.JdbcSourceConnector"])
    func aPasswordOfAnyKindWorksAndIsNeverShown(form: String) async throws {
        try await onThread {
            let run = try PostgresRun()
            let role = "secret_\(run.database)"
            try run.sql.execute(
                "CREATE TABLE t (id bigserial PRIMARY KEY); INSERT INTO t DEFAULT VALUES; CREATE ROLE \(role) LOGIN SUPERUSER PASSWORD \(Quoting.literal(Self.password))")
            func map(_ password: String) -> (String, ConfigMap) {
                let place = "127.0.0.1:\(run.server.port)/\(run.database)"
                switch form {
                case "url":
                    return ("PostgresSource", ConfigMap(["connection.url": "postgresql://\(role):\(URLText.encode(password))@\(place)", "topic.prefix": "t"]))
                case "io.confluent.connect.jdbc.JdbcSourceConnector":
                    return (
                        form,
                        ConfigMap([
                            "connection.url": "jdbc:postgresql://\(place)", "connection.user": role, "connection.password": password, "topic.prefix": "t", "mode": "incrementing",
                        ])
                    )
                case "PostgresSource":
                    return (form, ConfigMap(["connection.url": "postgresql://\(place)", "connection.user": role, "connection.password": password, "topic.prefix": "t"]))
                default:
                    return (
                        form,
                        ConfigMap([
                            "database.hostname": "127.0.0.1", "database.port": "\(run.server.port)", "database.user": role, "database.password": password,
                            "database.dbname": run.database, "topic.prefix": "t",
                        ])
                    )
                }
            }
            var shown: [String] = []
            let (name, good) = map(Self.password)
            let source = try SourceRun(name, good)
            try source.start()
            #expect(try source.live(1).count == 1)
            let activity = try run.sql.execute("SELECT coalesce(application_name, '') || query FROM pg_stat_activity WHERE usename = '\(role)'")
            for row in 0..<activity.rowCount { shown.append(activity.text(row, 0) ?? "") }
            shown += source.context.log.all + source.context.notes.compactMap { $0 }
            source.stop()
            // Refused: the server and libpq have their say.
            let wrong = Self.password + "wrong"
            let (_, bad) = map(wrong)
            let refused = try SourceRun(name, bad)
            let error = #expect(throws: ConnectError.self) { try refused.start() }
            shown += [error?.message ?? "", error?.suggestion ?? "", "\(error.map { "\($0)" } ?? "")"] + (error?.causes ?? []) + refused.context.log.all
            refused.stop()
            let title = try String(decoding: #require(try? bytes(of: "/proc/self/cmdline")), as: UTF8.self)
            for text in shown + [title] {
                for secret in [Self.password, URLText.encode(Self.password)] { #expect(!text.contains(secret), "\(text)") }
            }
        }
    }

    private func bytes(of path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }
}

/// What a connector may ask of the worker, where a test has none.
final class TestConnectorContext: ConnectorContext {
    let connector: Name = "test"
    let logger = Logger(label: "test", handler: LogLines())
    let wakeUp = WakeUp()
    let offsets: (any SourceOffsetReader)? = nil
    private let count = Atomic<Int>(0)
    var requests: Int { count.load(ordering: .acquiring) }
    func requestTaskReconfiguration() { count.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    func raise(_ error: ConnectError) {}
}
