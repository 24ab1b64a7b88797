import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Testing

/// What a source must not start or go on with, and the words it says.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresRefusalTests {
    struct Case: Sendable {
        let code: String
        /// Run before the first start.
        var before = ""
        /// Run after a first run that delivered something; `nil`: the first start is refused.
        var between: String?
        var settings: [(Name, String)] = []
    }

    static let cases: [Case] = [
        Case(code: "postgres.source.deferrable_key", before: "CREATE TABLE d (id int PRIMARY KEY DEFERRABLE)"),
        Case(code: "postgres.source.no_key", before: "CREATE TABLE d (id int)"),
        Case(code: "postgres.source.no_table", settings: [("table.include.list", "public.nothing")]),
        Case(code: "postgres.source.not_armed", settings: [("arm", "check")]),
        Case(code: "postgres.source.topic_collision", before: "CREATE TABLE \"a b\" (id int PRIMARY KEY); CREATE TABLE \"a_b\" (id int PRIMARY KEY)"),
        Case(code: "postgres.source.trigger_disabled", between: "ALTER TABLE t DISABLE TRIGGER connectd_capture"),
        Case(code: "postgres.source.trigger_missing", between: "DROP TRIGGER connectd_capture ON t"),
        Case(code: "postgres.source.sequence_cache", between: "ALTER TABLE connectd.change ALTER COLUMN id SET CACHE 20"),
        Case(code: "postgres.source.foreign_xids", between: "ALTER TABLE connectd.change ALTER COLUMN xid DROP DEFAULT; INSERT INTO connectd.change (xid, tbl, op) VALUES ('4611686018427387904', 0, 'c')"),
        Case(code: "postgres.source.forgotten", between: "UPDATE connectd.tail SET expired = true"),
    ]

    @Test(arguments: cases.indices) func refusesWithItsWords(index: Int) async throws {
        try await onThread {
            let example = Self.cases[index]
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            if !example.before.isEmpty { try run.sql.execute(example.before) }
            var map = run.map()
            for (name, value) in example.settings { map[name] = .some(value) }
            let source = try SourceRun("PostgresSource", map)
            if let between = example.between {
                try source.start()
                try source.settle()
                try run.sql.execute("INSERT INTO t VALUES (1)")
                #expect(try source.live(1).count == 1)
                source.stop()
                try run.sql.execute(between)
            }
            let error = #expect(throws: ConnectError.self, "\(example.code)") { try source.start() }
            #expect(error?.code == example.code)
            #expect(error?.kind == .fatal)
            #expect(error?.suggestion != nil)
            source.stop()
        }
    }

    @Test func aStandbyIsRefusedAndAPromotedOneSaysSo() async throws {
        try await onThread {
            let primary = try PostgresServer(), run = try PostgresRun(primary)
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            let context = TestSourceContext()
            var source = try run.source(context: context)
            try source.start()
            try source.settle()
            try run.sql.execute("INSERT INTO t VALUES (1)")
            #expect(try source.live(1).count == 1)
            source.stop()
            let standby = try primary.makeStandby()
            func map(_ more: KeyValuePairs<Name, String> = [:]) -> ConfigMap {
                var map = run.map(more)
                map["connection.url"] = .some(standby.url(run.database))
                return map
            }
            source = try SourceRun("PostgresSource", map(), context: context)
            #expect(#expect(throws: ConnectError.self) { try source.start() }?.code == "postgres.source.standby")
            source.stop()
            try standby.promote()
            #expect(#expect(throws: ConnectError.self) { try source.start() }?.code == "postgres.source.timeline")
            source.stop()
            source = try SourceRun("PostgresSource", map(["on.timeline.change": "replay"]), context: context)
            try source.start()
            try standby.connect(run.database).execute("INSERT INTO t VALUES (2)")
            #expect(try source.live(2).map { $0.keyColumn("id") } == [.int32(1), .int32(2)])
            source.stop()
        }
    }

    @Test func aServerThatWasPutBackIsNoticed() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY)")
            let context = TestSourceContext()
            let source = try run.source(context: context)
            try source.start()
            try source.settle()
            try run.sql.execute("INSERT INTO t VALUES (1)")
            #expect(try source.live(1).count == 1)
            source.stop()
            for (partition, offset) in context.offsets {
                let text = String(decoding: offset.json, as: UTF8.self)
                context.offsets[partition] = SourceOffset(storedJSON: Array(text.replacing(#/"sys":"\d+"/#, with: "\"sys\":\"1\"").replacing(#/,"last":"[^}]*}"/#, with: "").utf8))
            }
            #expect(#expect(throws: ConnectError.self) { try source.start() }?.code == "postgres.source.other_server")
            source.stop()
            let again = try run.source(["on.history.lost": "earliest"], context: context)
            try again.start()
            #expect(try again.live(1).map(\.op) == ["r"])
            again.stop()
        }
    }
}
