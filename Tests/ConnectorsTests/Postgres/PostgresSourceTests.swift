import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSourceTests {
    @Test func deliversRowsThenChanges() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders SELECT i, 'n' || i FROM generate_series(1, 2500) i")
            let source = try run.source()
            try source.start()
            let rows = try source.live(2500)
            #expect(rows.count == 2500)
            #expect(rows.allSatisfy { $0.op == "r" && $0.topic == "t.public.orders" })
            try run.sql.execute(
                """
                INSERT INTO orders VALUES (9001, 'new'); UPDATE orders SET note = 'x' WHERE id = 1; UPDATE orders SET id = 9002 WHERE id = 2;
                DELETE FROM orders WHERE id = 3; INSERT INTO orders VALUES (9003, 'a'), (9004, 'b')
                """)
            let changes = try source.live(9)
            #expect(changes.map { $0.op ?? "tombstone" } == ["c", "u", "d", "tombstone", "c", "d", "tombstone", "c", "c"])
            #expect(changes[1].column("note", of: "before") == .string("n1"))
            #expect(changes[1].column("note") == .string("x"))
            #expect(changes[4].keyColumn("id") == .int32(9002))
            #expect(changes[4].headers.map(\.name) == ["__debezium.oldkey"])
            source.stop()
            try run.sql.execute("INSERT INTO orders VALUES (9005, 'while away')")
            try source.start()
            let later = try source.live(1)
            #expect(later.map { $0.keyColumn("id") } == [.int32(9005)])
            source.stop()
        }
    }

    @Test func severalTablesGoOnFromTheirOwnPlaces() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY)")
            let context = TestSourceContext()
            var source = try run.source(["table.include.list": "public.a,public.b"], context: context)
            try source.start()
            try source.settle()
            for round in 0..<5 {
                try run.sql.execute("INSERT INTO a VALUES (\(round)); INSERT INTO b VALUES (\(round)); INSERT INTO a VALUES (\(round + 100))")
            }
            var records = try source.live(15)
            #expect(records.count == 15)
            source.stop()
            try run.sql.execute("INSERT INTO b VALUES (1000); INSERT INTO c VALUES (1)")
            source = try run.source(["table.include.list": "public.*", "batch.max.rows": "1"], context: context)
            try source.start()
            records = try source.live(2)
            #expect(Set(records.map(\.topic)) == ["t.public.b", "t.public.c"])
            try source.settle()
            try run.sql.execute("INSERT INTO a VALUES (7777); INSERT INTO c VALUES (2)")
            records = try source.live(2)
            #expect(records.map(\.topic) == ["t.public.a", "t.public.c"])
            let rest = try source.poll().entries.filter(\.outcome.isLive).map(\.record)
            #expect(rest.isEmpty)
            source.stop()
        }
    }

    /// A sink makes the schema for its positions, and holds another lock.
    @Test func armingMeetsWhoMakesTheSchemaAtTheSameMoment() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)")
            let isMade = WakeUp(), hasMet = WakeUp(), url = run.server.url(run.database)
            try PlainThread.start("maker") {
                guard let maker = try? Connection.open(ConnectionParameters(url: url)), let watcher = try? Connection.open(ConnectionParameters(url: url)) else { return }
                _ = try? maker.execute("BEGIN; CREATE SCHEMA connectd")
                isMade.set()
                let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                if eventually({ (try? watcher.execute(waits).boolean(0, 0)) == true }) { hasMet.set() }
                _ = try? maker.execute("COMMIT")
                maker.close()
                watcher.close()
            }
            #expect(isMade.wait(milliseconds: 20_000))
            let source = try run.source()
            try source.start()
            #expect(hasMet.isSet, "the two met")
            #expect(try source.live(1).map { $0.keyColumn("id") } == [.int32(1)])
            source.stop()
        }
    }

    @Test func goesOnAfterItsSessionWasKilledAndTheServerRestarted() async throws {
        try await onThread {
            let server = try PostgresServer(.init(isDurable: true))
            let run = try PostgresRun(server)
            try run.sql.execute("CREATE TABLE a (id int PRIMARY KEY)")
            let source = try run.source()
            try source.start()
            try source.settle()
            try run.sql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'connectd' AND pid <> pg_backend_pid()")
            // Our own session has the same name.
            let other = try run.connect()
            try other.execute("INSERT INTO a VALUES (1)")
            var records: [Record] = [], errors: [ConnectError] = []
            for _ in 0..<20 where records.isEmpty {
                do { records += try source.live(1, polls: 1) } catch { errors.append(ConnectError(error)) }
            }
            #expect(records.count == 1)
            #expect(errors.allSatisfy { $0.kind == .retriable })
            try server.stop("immediate")
            #expect(throws: ConnectError.self) { for _ in 0..<50 { _ = try source.poll() } }
            try server.start()
            try run.connect().execute("INSERT INTO a VALUES (2)")
            records = []
            for _ in 0..<20 where records.isEmpty { records += (try? source.live(1, polls: 1)) ?? [] }
            #expect(records.map { $0.keyColumn("id") } == [.int32(2)])
            source.stop()
        }
    }

    @Test func aDebeziumConfigurationRuns() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE ROLE debezium SUPERUSER LOGIN PASSWORD 'p@s s:w/rd%'; CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
            let source = try SourceRun(
                "io.debezium.connector.postgresql.PostgresConnector",
                ConfigMap([
                    "database.hostname": "127.0.0.1", "database.port": "\(run.server.port)", "database.user": "debezium", "database.password": "p@s s:w/rd%",
                    "database.dbname": Name(run.database).text, "topic.prefix": "shop", "plugin.name": "pgoutput", "slot.name": "x", "table.include.list": "public.orders",
                ]))
            try source.start()
            let rows = try source.live(1)
            #expect(rows.map(\.topic) == ["shop.public.orders"])
            #expect(rows.map(\.op) == ["r"])
            source.stop()
        }
    }

    @Test(arguments: [
        ("slot.name", "x", true), ("column.exclude.list", "a.b.c", false), ("binary.handling.mode", "base64", false), ("binary.handling.mode", "bytes", nil),
        ("column.mask.hash.SHA-256.with.salt.x", "a", false), ("provide.transaction.metadata", "true", false),
    ] as [(Name, String, Bool?)])
    func aDebeziumSettingIsNotedOrRefused(name: Name, value: String, isWarning: Bool?) throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("io.debezium.connector.postgresql.PostgresConnector") { $0 == .source })
        var map = ConfigMap(["database.hostname": "h", "database.dbname": "d", "topic.prefix": "t"])
        map[name] = .some(value)
        let (config, problems) = plugin.definition.parse(map)
        #expect(problems.isEmpty)
        guard case .source(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no source") }
        let found = make().validate(config)
        #expect(found.first?.isWarning == isWarning)
        #expect(found.first?.setting == (isWarning == nil ? nil : name))
    }
}
