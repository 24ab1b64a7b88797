import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import SQLite
import Testing

/// Other products' JDBC sinks: their defaults, what is refused, and where it goes.
@Suite(.serialized) struct JdbcSinkTests {
    static func plugin(_ name: String) throws -> Plugin { try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(name) { $0 == .sink }) }

    static func problems(_ name: String, _ entries: [(Name, String)]) throws -> [ConfigProblem] {
        var map = ConfigMap()
        for (key, value) in entries { map[key] = .some(value) }
        let plugin = try plugin(name)
        guard case .sink(let make) = plugin.factory else { return [] }
        let (config, problems) = plugin.definition.parse(map)
        return problems.isEmpty ? make().validate(config) : problems
    }

    static let confluent = "io.confluent.connect.jdbc.JdbcSinkConnector", debezium = "io.debezium.connector.jdbc.JdbcSinkConnector"

    @Test(arguments: [confluent, "io.aiven.connect.jdbc.JdbcSinkConnector", "JdbcSinkConnector", "JdbcSink"]) func theSimpleNameMeansConfluents(name: String) throws {
        #expect(try Self.plugin(name).className == Name(Self.confluent))
    }

    @Test(arguments: [
        // A configuration as it stands in Confluent's documentation.
        (confluent, [
            ("connection.url", "jdbc:postgresql://db:5432/shop?user=u"), ("connection.user", "u"), ("connection.password", "p"), ("insert.mode", "UPSERT"), ("pk.mode", "record_key"),
            ("pk.fields", "id"), ("table.name.format", "kafka_${topic}"), ("auto.create", "true"), ("auto.evolve", "true"), ("delete.enabled", "true"), ("db.timezone", "UTC"),
            ("dialect.name", "PostgreSqlDatabaseDialect"), ("quote.sql.identifiers", "ALWAYS"), ("max.retries", "3"),
        ], []),
        (confluent, [("connection.url", "jdbc:sqlite:/tmp/x.db")], []),
        (confluent, [("connection.url", "jdbc:sqlite:/tmp/x.db"), ("batch.size", "3000"), ("connection.attempts", "5")], ["batch.size", "connection.attempts"]),
        (confluent, [("connection.url", "jdbc:mysql://db/shop")], ["connection.url"]), (confluent, [("connection.url", "jdbc:sqlite::memory:")], ["connection.url"]),
        (confluent, [("connection.url", "jdbc:sqlite:x.db"), ("quote.sql.identifiers", "never")], ["quote.sql.identifiers"]),
        (confluent, [("connection.url", "jdbc:sqlite:x.db"), ("db.timezone", "Europe/Berlin")], ["db.timezone"]),
        (confluent, [("connection.url", "jdbc:sqlite:x.db"), ("insert.mode", "upsert")], ["pk.mode"]),
        (confluent, [("connection.url", "jdbc:sqlite:x.db"), ("delete.enabled", "true")], ["delete.enabled"]),
        (confluent, [("connection.url", "jdbc:sqlite:x.db"), ("table.name.format", "other.${topic}")], ["table.name.format"]),
        (debezium, [
            ("connection.url", "jdbc:postgresql://localhost/db"), ("connection.username", "postgres"), ("connection.password", "p"), ("insert.mode", "upsert"), ("delete.enabled", "true"),
            ("primary.key.mode", "record_key"), ("schema.evolution", "basic"), ("use.time.zone", "UTC"), ("collection.name.format", "${source.schema}_${source.table}"),
        ], []),
        (debezium, [("connection.url", "jdbc:sqlite:x.db"), ("hibernate.c3p0.idle_test_period", "300")], ["hibernate.c3p0.idle_test_period"]),
        (debezium, [("connection.url", "jdbc:sqlite:x.db"), ("primary.key.mode", "record_header")], ["primary.key.mode"]),
        (debezium, [("connection.url", "jdbc:sqlite:x.db"), ("field.include.list", "a")], ["field.include.list"]),
    ] as [(String, [(Name, String)], [Name])]) func theirSettingsAreTakenOrRefusedByName(name: String, entries: [(Name, String)], blamed: [Name]) throws {
        let problems = try Self.problems(name, entries)
        #expect(problems.map(\.setting) == blamed, "\(problems)")
        for problem in problems { #expect(!problem.message.isEmpty) }
    }

    final class Run {
        let context = TestSinkContext("copy")
        let reporter = TestReporter()
        let task: any SinkTask
        init(_ name: String, _ map: ConfigMap) throws {
            let plugin = try JdbcSinkTests.plugin(name)
            guard case .sink(let make) = plugin.factory else { throw ServerProblem("no sink") }
            context.reporter = reporter
            task = make().makeTask()
            try task.start(try plugin.definition.parsed(map), context: context)
        }
        func write(_ topic: TestTopic) throws {
            _ = try task.open([topic.assigned])
            try task.put(topic.batch(from: 0, count: topic.records.count))
        }
    }

    @Test func confluentsDefaultsAreConfluents() throws {
        let folder = try TemporaryFolder(), path = folder.file("copy.db")
        let setup = try Database(path: path, mode: .create)
        try setup.execute("CREATE TABLE t (id INTEGER, v INTEGER, s TEXT)")
        let run = try Run(Self.confluent, ConfigMap(["connection.url": "jdbc:sqlite:\(path)"]))
        let topic = TestTopic("t")
        topic.records = [SqliteSinkTests.flat(1, 1), SqliteSinkTests.flat(1, 2), SqliteSinkTests.gone(1)]
        try run.write(topic)
        let other = TestTopic("u")
        other.records = [Record(topic: "u", valueSchema: SqliteSinkTests.row, value: SqliteSinkTests.flat(1, 1).value)]
        try run.write(other)
        run.task.stop()
        // Inserted, without a key, nothing deleted; and no table is made.
        #expect(try setup.text("SELECT group_concat(id || ':' || v, ' ') FROM t") == "1:1 1:2")
        #expect(run.reporter.letters.map(\.error.code) == ["sink.missing_table"])
    }

    @Test(.enabled(if: PostgresServer.isAvailable, PostgresRun.why)) func debeziumsEnvelopeGoesIntoPostgres() async throws {
        try await onThread {
            let target = try PostgresTarget(), source = try PostgresRun()
            try source.sql.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, v numeric(10,2)); INSERT INTO shop.orders VALUES (1, 1.50), (2, 2)")
            let tail = try source.source()
            try tail.start()
            var records = try tail.live(2)
            try tail.settle()
            try source.sql.execute("DELETE FROM shop.orders WHERE id = 1")
            records += try tail.live(2)
            tail.stop()
            let run = try Run(
                Self.debezium,
                ConfigMap([
                    "connection.url": target.url, "insert.mode": "upsert", "primary.key.mode": "record_key", "schema.evolution": "basic", "delete.enabled": "true",
                    "collection.name.format": "${source.schema}_${source.table}",
                ]))
            let topic = TestTopic("t.shop.orders")
            topic.records = records
            try run.write(topic)
            run.task.stop()
            #expect(run.reporter.letters.isEmpty, "\(run.reporter.letters)")
            #expect(try target.text("SELECT string_agg(id || ':' || v, ' ') FROM shop_orders") == "2:2.00")
        }
    }

    @Test func retriesEndWhereTheOtherProductEndsThem() throws {
        let folder = try TemporaryFolder(), path = folder.file("copy.db")
        let setup = try Database(path: path, mode: .create)
        try setup.execute("CREATE TABLE t (id INTEGER, v INTEGER, s TEXT)")
        let run = try Run(Self.confluent, ConfigMap(["connection.url": "jdbc:sqlite:\(path)", "max.retries": "2", "lock.timeout.ms": "0"]))
        let topic = TestTopic("t")
        topic.records = [SqliteSinkTests.flat(1, 1)]
        _ = try run.task.open([topic.assigned])
        try setup.execute("BEGIN IMMEDIATE")
        var kinds: [ConnectError.Kind?] = []
        for _ in 0..<3 {
            let error = #expect(throws: ConnectError.self) { try run.task.put(topic.batch(from: 0, count: 1)) }
            kinds.append(error?.kind)
        }
        #expect(kinds == [.retriable, .retriable, .fatal])
        try setup.execute("COMMIT")
        run.task.stop()
    }
}
