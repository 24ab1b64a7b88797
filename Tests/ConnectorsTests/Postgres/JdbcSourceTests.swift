import ConnectRuntime
import ConnectTesting
import Connectors
import Glibc
import Postgres
import PostgresTesting
import SQLite
import Testing

/// Configurations of the JDBC source run here: its topics, its records, its offsets, and what it can lose said.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct JdbcSourceTests {
    static let className = "io.confluent.connect.jdbc.JdbcSourceConnector"

    static func map(_ run: PostgresRun, _ more: KeyValuePairs<Name, String>) -> ConfigMap {
        var map = ConfigMap([
            "connector.class": className, "connection.url": "jdbc:postgresql://127.0.0.1:\(run.server.port)/\(run.database)", "connection.user": "jdbc_\(run.database)",
            "connection.password": "p@s's", "topic.prefix": "shop-", "poll.interval.ms": "50",
        ])
        for (name, value) in more { map[name] = .some(value) }
        return map
    }

    static func prepare(_ run: PostgresRun) throws {
        try run.sql.execute(
            """
            CREATE ROLE jdbc_\(run.database) SUPERUSER LOGIN PASSWORD 'p@s''s';
            CREATE TABLE orders (id bigserial PRIMARY KEY, note text, changed timestamptz NOT NULL DEFAULT now(), price numeric(8,2), n numeric(4));
            INSERT INTO orders (note, price, n) SELECT 'n' || i, i + 0.25, i FROM generate_series(1, 10) i
            """)
    }

    @Test func incrementingHasItsShapeAndItsOffsets() async throws {
        try await onThread {
            let run = try PostgresRun()
            try Self.prepare(run)
            let context = TestSourceContext()
            let source = try SourceRun(
                Self.className, Self.map(run, ["mode": "incrementing", "incrementing.column.name": "id", "table.whitelist": "orders", "numeric.mapping": "best_fit"]), context: context)
            try source.start()
            #expect(context.log.all.contains { $0.contains("mode=incrementing loses rows") && $0.contains("mode=fence") })
            let records = try source.live(10)
            #expect(records.count == 10)
            let first = try #require(records.first)
            #expect(first.topic == "shop-orders")
            #expect(first.key == .null)
            #expect(first.valueSchema?.name == "orders")
            #expect(first.field("id") == .int64(1))
            #expect(first.field("price") == .float64(1.25))
            #expect(first.field("n") == .int16(1))
            guard case .timestamp? = first.field("changed") else {
                Issue.record("no Timestamp: \(String(describing: first.field("changed")))")
                return
            }
            let offset = try #require(context.offsets[SourcePartition([("protocol", .string("1")), ("table", .string("public.orders"))])])
            #expect(String(decoding: offset.json, as: UTF8.self) == "{\"incrementing\":10}")
            source.stop()
            try run.sql.execute("INSERT INTO orders (note) VALUES ('later')")
            try source.start()
            #expect(try source.live(1).map { $0.field("note") } == [.string("later")])
            source.stop()
        }
    }

    @Test(arguments: ["timestamp", "timestamp+incrementing"]) func changesAreSeenByTheirTime(mode: String) async throws {
        try await onThread {
            let run = try PostgresRun()
            try Self.prepare(run)
            let context = TestSourceContext()
            // All ten rows have one time: a page of three holds them all.
            let settings: KeyValuePairs<Name, String> = [
                "mode": mode, "timestamp.column.name": "changed", "incrementing.column.name": "id", "table.types": "TABLE", "batch.max.rows": "3", "table.blacklist": "public.other",
            ]
            let source = try SourceRun(Self.className, Self.map(run, settings), context: context)
            try source.start()
            #expect(try source.live(10).count == 10)
            try run.sql.execute("UPDATE orders SET note = 'x', changed = clock_timestamp() WHERE id = 3")
            #expect(try source.live(1).map { $0.field("note") } == [.string("x")])
            source.stop()
            try run.sql.execute("UPDATE orders SET note = 'y', changed = clock_timestamp() WHERE id IN (4, 5)")
            try source.start()
            #expect(try source.live(2).map { $0.field("id") } == [.int64(4), .int64(5)])
            #expect(try source.live(1, polls: 2).isEmpty)
            source.stop()
        }
    }

    @Test func aDelayKeepsYoungRowsBack() async throws {
        try await onThread {
            let run = try PostgresRun()
            try Self.prepare(run)
            try run.sql.execute("UPDATE orders SET changed = now() - interval '2 hours' WHERE id <= 4")
            let settings: KeyValuePairs<Name, String> = ["mode": "timestamp", "timestamp.column.name": "changed", "timestamp.delay.interval.ms": "3600000"]
            let source = try SourceRun(Self.className, Self.map(run, settings))
            try source.start()
            #expect(try source.live(4).count == 4)
            #expect(try source.live(1, polls: 2).isEmpty)
            source.stop()
        }
    }

    @Test func bulkRepeatsTablesAndViews() async throws {
        try await onThread {
            let run = try PostgresRun()
            try Self.prepare(run)
            try run.sql.execute("CREATE VIEW cheap AS SELECT id, note FROM orders WHERE price < 4; CREATE TABLE empty (id int)")
            let settings: KeyValuePairs<Name, String> = ["mode": "bulk", "table.types": "TABLE,VIEW", "batch.max.rows": "4", "schema.pattern": "publ%"]
            let source = try SourceRun(Self.className, Self.map(run, settings))
            try source.start()
            let records = try source.live(26)
            var count: [Name: Int] = [:]
            for record in records { count[record.topic, default: 0] += 1 }
            #expect(count["shop-orders"] ?? 0 >= 10)
            #expect(count["shop-cheap"] ?? 0 >= 3)
            #expect(Set(count.keys) == ["shop-orders", "shop-cheap"])
            source.stop()
        }
    }

    @Test func ourBetterModesRunUnderItsName() async throws {
        try await onThread {
            let run = try PostgresRun()
            try Self.prepare(run)
            let context = TestSourceContext()
            let source = try SourceRun(Self.className, Self.map(run, ["mode": "snapshot", "table.whitelist": "public.orders"]), context: context)
            try source.start()
            #expect(try source.live(10).count == 10)
            try run.sql.execute("UPDATE orders SET note = 'x' WHERE id = 1; DELETE FROM orders WHERE id = 2")
            let records = try source.live(1)
            #expect(records.map(\.topic) == ["shop-orders"])
            #expect(records.map { $0.field("note") } == [.string("x")])
            #expect(records.map(\.key) == [.null])
            #expect(!context.log.all.contains { $0.contains("loses rows") })
            source.stop()
        }
    }

    @Test func sqliteIsReadUnderItsName() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let path = folder.path + "/a.db"
            let database = try Database(path: path, mode: .create)
            try database.execute("PRAGMA journal_mode=WAL; CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT); INSERT INTO events (note) VALUES ('a')")
            var map = ConfigMap(["connection.url": "jdbc:sqlite:\(path)", "mode": "incrementing", "incrementing.column.name": "id", "topic.prefix": "x-", "table.whitelist": "events"])
            let source = try SourceRun(Self.className, map)
            try source.start()
            let record = try #require(try source.live(1).first)
            #expect(record.topic == "x-events")
            #expect(record.key == .null)
            #expect(record.field("note") == .string("a"))
            source.stop()
            map["mode"] = .some("timestamp")
            #expect(#expect(throws: ConnectError.self) { try SourceRun(Self.className, map).start() }?.code == "config.unsupported")
            database.close()
        }
    }

    @Test(arguments: [
        ("catalog.pattern", "x", true), ("query", "SELECT 1", false), ("query", "", nil), ("db.timezone", "Europe/Berlin", false), ("db.timezone", "UTC", nil), ("max.buffer.size", "1", true),
        ("quote.sql.identifiers", "ALWAYS", nil), ("quote.sql.identifiers", "never", false), ("timestamp.granularity", "nanos_long", false), ("jdbc.credentials.provider.class", "a.B", false),
    ] as [(Name, String, Bool?)])
    func aSettingIsNotedOrRefused(name: Name, value: String, isWarning: Bool?) throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(Self.className) { $0 == .source })
        var map = ConfigMap(["connection.url": "jdbc:postgresql://h/d", "topic.prefix": "t", "mode": "fence"])
        map[name] = .some(value)
        let (config, problems) = plugin.definition.parse(map)
        #expect(problems.isEmpty, "\(problems)")
        guard case .source(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no source") }
        let found = make().validate(config)
        #expect(found.first?.isWarning == isWarning)
        #expect(found.first?.setting == (isWarning == nil ? nil : name))
    }

    @Test(arguments: [("incrementing", "mode=fence"), ("timestamp+incrementing", "mode=snapshot"), ("bulk", "mode=snapshot"), ("timestamp", "mode=snapshot")])
    func aModeThatLosesSaysWhatAndWhichDoesNot(mode: String, better: String) throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("PostgresSource") { $0 == .source })
        let map = ConfigMap(["connection.url": "postgresql://h/d", "topic.prefix": "t", "mode": mode, "timestamp.column.name": "c"])
        let (config, problems) = plugin.definition.parse(map)
        #expect(problems.isEmpty)
        guard case .source(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no source") }
        let found = try #require(make().validate(config).first)
        #expect(found.isWarning && found.setting == "mode" && found.message.contains(better))
    }

    @Test func shortNamesAreConfluents() throws {
        let catalogue = PluginCatalogue(ConnectorCatalogue.plugins)
        for name in ["JdbcSourceConnector", "JdbcSource"] { #expect(catalogue.find(name) { $0 == .source }?.className == "io.confluent.connect.jdbc.JdbcSourceConnector") }
        #expect(catalogue.find("io.aiven.connect.jdbc.JdbcSourceConnector") { $0 == .source }?.definition.key(for: "batch.max.rows")?.defaultText == "100")
    }
}
