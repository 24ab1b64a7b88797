import ConnectRuntime
import ConnectTesting
import Connectors
import Glibc
import Postgres
import PostgresTesting
import Testing

/// Event tables: rows only ever added, read as they are or with a column for their transactions' numbers.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct EventTableTests {
    static let isFull = getenv("CONNECTD_TEST_FULL") != nil
    static let fence: KeyValuePairs<Name, String> = ["mode": "fence", "table.include.list": "public.e"]
    static let events: KeyValuePairs<Name, String> = ["capture": "events", "table.include.list": "public.e"]

    /// Reads until the writers are done and nothing comes any more, losing the reader at random. Each poll reaches the topic with its offsets or not at all.
    func read(_ run: PostgresRun, _ storm: EventStorm, isFence: Bool, rows: Int, seed: UInt64) throws -> [Int64] {
        var random = RandomNumbers(seed: seed), ids: [Int64] = [], quiet = 0
        let context = TestSourceContext()
        var map = run.map(isFence ? Self.fence : Self.events)
        map["batch.max.rows"] = .some("\(rows)")
        while quiet < 2 {
            let source = try SourceRun("PostgresSource", map, context: context)
            try source.start()
            for _ in 0..<Int.random(in: 1...80, using: &random) where quiet < 2 {
                let batch = try source.pollWithoutStoring()
                if random.oneIn(40) { break }
                context.store(batch)
                let live = batch.entries.filter(\.outcome.isLive)
                for entry in live { if case .int64(let id)? = entry.record.keyColumn("id") { ids.append(id) } }
                quiet = storm.isOver && live.isEmpty ? quiet + 1 : 0
            }
            source.stop()
        }
        return ids
    }

    @Test(arguments: [(true, 1), (true, 2000), (false, 7), (false, 2000)]) func nothingIsLostOrDoubledUnderLateCommits(isFence: Bool, rows: Int) async throws {
        try await onThread {
            let run = try PostgresRun()
            let seed = UInt64(getpid()) &* 1000 &+ UInt64(rows)
            try EventStorm.prepare(run.sql)
            // An unrelated transaction with a number of its own stays open throughout: it delays nothing.
            let idle = try run.connect()
            if isFence { try idle.execute("BEGIN; INSERT INTO unrelated VALUES (0)") }
            let storm = EventStorm(run, seed: seed, milliseconds: EventTableTests.isFull ? 30_000 : 1500)
            if !isFence {
                // Building the index waits for whoever wrote before.
                let source = try run.source(Self.events)
                try source.start()
                source.stop()
                try idle.execute("BEGIN; INSERT INTO unrelated VALUES (0)")
            }
            storm.start()
            let ids = try read(run, storm, isFence: isFence, rows: rows, seed: seed)
            #expect(storm.problems.prefix(3) == [], "seed \(seed)")
            let truth = try EventStorm.ids(run.sql)
            #expect(ids.count == Set(ids).count, "doubled, seed \(seed)")
            #expect(ids.sorted() == truth, "lost, seed \(seed)")
            if isFence { #expect(ids == truth, "out of order, seed \(seed)") }
            try idle.execute("ROLLBACK")
        }
    }

    @Test func aGapWaitsForItsWritersOnly() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE e (id bigserial PRIMARY KEY, note text); CREATE TABLE other (id bigserial PRIMARY KEY)")
            let source = try run.source(Self.fence)
            try source.start()
            let late = try run.connect(), stranger = try run.connect()
            try stranger.execute("BEGIN; INSERT INTO other DEFAULT VALUES")
            try late.execute("BEGIN; INSERT INTO e (note) VALUES ('late')")
            try run.sql.execute("INSERT INTO e (note) VALUES ('early')")
            #expect(try source.live(1, polls: 2).isEmpty)
            try late.execute("COMMIT")
            var records = try source.live(2)
            #expect(records.map { $0.column("note") } == [.string("late"), .string("early")])
            // A prepared one is waited for too, and its number may stay missing.
            try late.execute("BEGIN; INSERT INTO e (note) VALUES ('prepared'); PREPARE TRANSACTION 'gap_\(run.database)'")
            try run.sql.execute("INSERT INTO e (note) VALUES ('after')")
            #expect(try source.live(1, polls: 2).isEmpty)
            try late.execute("ROLLBACK PREPARED 'gap_\(run.database)'")
            records = try source.live(1)
            #expect(records.map { $0.column("note") } == [.string("after")])
            source.stop()
            try stranger.execute("ROLLBACK")
        }
    }

    @Test func fenceNeedsNothingButSelect() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute(
                """
                CREATE TABLE e (id bigserial PRIMARY KEY, note text); INSERT INTO e (note) VALUES ('a'), ('b');
                CREATE ROLE reader_\(run.database) LOGIN; GRANT SELECT ON e TO reader_\(run.database)
                """)
            var map = run.map(Self.fence)
            map["connection.user"] = .some("reader_\(run.database)")
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            #expect(try source.live(2).count == 2)
            try run.sql.execute("SET synchronous_commit = off; INSERT INTO e (note) VALUES ('c')")
            #expect(try source.live(1).map { $0.column("note") } == [.string("c")])
            #expect(try run.sql.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'connectd'").integer(0, 0) == 0)
            source.stop()
        }
    }

    @Test(arguments: [true, false]) func withoutDataOnlyWhatComesIsDelivered(isFence: Bool) async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE e (id bigserial PRIMARY KEY, note text); INSERT INTO e (note) VALUES ('old')")
            var map = run.map(isFence ? Self.fence : Self.events)
            map["snapshot.mode"] = .some("no_data")
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            #expect(try source.live(1, polls: 2).isEmpty)
            try run.sql.execute("INSERT INTO e (note) VALUES ('new')")
            #expect(try source.live(1).map { $0.column("note") } == [.string("new")])
            source.stop()
        }
    }

    /// Where it begins is stored before anything came.
    @Test(arguments: ["fence", "events", "change"]) func withoutDataARestartPassesNothingOver(kind: String) async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE e (id bigserial PRIMARY KEY, note text); INSERT INTO e (note) VALUES ('old')")
            var map = run.map(kind == "fence" ? Self.fence : kind == "events" ? Self.events : ["table.include.list": "public.e"])
            map["snapshot.mode"] = .some("no_data")
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            #expect(try source.live(1, polls: 2).isEmpty)
            source.stop()
            try run.sql.execute("INSERT INTO e (note) VALUES ('between')")
            try source.start()
            #expect(try source.live(1).map { $0.column("note") } == [.string("between")])
            source.stop()
        }
    }

    @Test func anEventTableGetsItsColumnAndKeepsItsRows() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE e (id bigserial PRIMARY KEY, note text); INSERT INTO e (note) SELECT 'old' FROM generate_series(1, 5000)")
            let before = try run.sql.execute("SELECT pg_relation_filenode('e')").text(0, 0)
            let context = TestSourceContext()
            let source = try run.source(Self.events, context: context)
            try source.start()
            #expect(try run.sql.execute("SELECT pg_relation_filenode('e')").text(0, 0) == before)
            #expect(try source.live(5000).count == 5000)
            try run.sql.execute("INSERT INTO e (note) VALUES ('new')")
            let records = try source.live(1)
            #expect(records.map { $0.keyColumn("id") } == [.int64(5001)])
            source.stop()
            try run.sql.execute("INSERT INTO e (note) SELECT 'away' FROM generate_series(1, 4500)")
            try source.start()
            #expect(try source.live(4500).count == 4500)
            #expect(try source.live(1, polls: 2).isEmpty)
            source.stop()
        }
    }

    struct Refusal: Sendable {
        let code: String
        let sql: String
        var settings: [(Name, String)] = []
    }
    static let refusals: [Refusal] = [
        Refusal(code: "postgres.source.sequence_cache", sql: "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 20) PRIMARY KEY)"),
        Refusal(code: "postgres.source.sequence_step", sql: "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY (INCREMENT 2) PRIMARY KEY)"),
        Refusal(code: "postgres.source.no_number", sql: "CREATE TABLE e (id bigint PRIMARY KEY)"),
        Refusal(code: "postgres.source.no_number", sql: "CREATE TABLE e (id bigint PRIMARY KEY)", settings: [("incrementing.column.name", "id")]),
        Refusal(code: "postgres.source.may_be_null", sql: "CREATE TABLE e (id bigserial, x int); ALTER TABLE e ALTER COLUMN id DROP NOT NULL"),
        Refusal(code: "postgres.source.number_below_one", sql: "CREATE TABLE e (id bigserial PRIMARY KEY); INSERT INTO e VALUES (-3)"),
        Refusal(code: "postgres.source.no_table", sql: "CREATE TABLE f (id bigserial PRIMARY KEY)"),
        Refusal(code: "postgres.source.xid_column", sql: "CREATE TABLE e (id bigserial PRIMARY KEY, xid bigint)", settings: [("capture", "events"), ("mode", "snapshot")]),
        Refusal(
            code: "postgres.source.not_armed", sql: "CREATE TABLE e (id bigserial PRIMARY KEY)",
            settings: [("capture", "events"), ("mode", "snapshot"), ("arm", "check")]),
        Refusal(
            code: "postgres.source.foreign_xids", sql: "CREATE TABLE e (id bigserial PRIMARY KEY, xid xid8 DEFAULT pg_current_xact_id()); INSERT INTO e (xid) VALUES ('4611686018427387904')",
            settings: [("capture", "events"), ("mode", "snapshot")]),
        Refusal(
            code: "postgres.source.deferrable_key", sql: "CREATE TABLE e (id bigserial PRIMARY KEY DEFERRABLE)", settings: [("capture", "events"), ("mode", "snapshot")]),
    ]

    @Test(arguments: refusals.indices) func refusesWithItsWords(index: Int) async throws {
        try await onThread {
            let example = Self.refusals[index]
            let run = try PostgresRun()
            try run.sql.execute(example.sql)
            var map = run.map(Self.fence)
            for (name, value) in example.settings { map[name] = .some(value) }
            let source = try SourceRun("PostgresSource", map)
            let error = #expect(throws: ConnectError.self, "\(example.code)") { try source.start() }
            #expect(error?.code == example.code)
            #expect(error?.kind == .fatal)
            #expect(error?.suggestion != nil)
            source.stop()
        }
    }

    @Test func aModeIsNotChangedUnderAnOffset() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE e (id bigserial PRIMARY KEY); INSERT INTO e DEFAULT VALUES")
            let context = TestSourceContext()
            let source = try run.source(Self.fence, context: context)
            try source.start()
            #expect(try source.live(1).count == 1)
            source.stop()
            for settings in [Self.events, ["table.include.list": "public.e"]] as [KeyValuePairs<Name, String>] {
                let other = try run.source(settings, context: context)
                #expect(#expect(throws: ConnectError.self) { try other.start() }?.code == "postgres.source.other_mode")
                other.stop()
            }
        }
    }

    @Test func aSequenceThatWasSetBackIsNoticed() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE e (id bigserial PRIMARY KEY); INSERT INTO e SELECT nextval('e_id_seq') FROM generate_series(1, 20)")
            let source = try run.source(Self.fence)
            try source.start()
            #expect(try source.live(20).count == 20)
            source.stop()
            try run.sql.execute("TRUNCATE e RESTART IDENTITY; INSERT INTO e DEFAULT VALUES")
            #expect(#expect(throws: ConnectError.self) { try source.start() }?.code == "postgres.source.history_lost")
            source.stop()
        }
    }

    @Test func partitionsAreReadThroughTheirRoot() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute(
                """
                CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY, part int NOT NULL, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
                CREATE TABLE e1 PARTITION OF e FOR VALUES IN (1); CREATE TABLE e2 PARTITION OF e FOR VALUES IN (2)
                """)
            let source = try run.source(Self.fence)
            try source.start()
            let late = try run.connect()
            try late.execute("BEGIN; INSERT INTO e (part) VALUES (1)")
            try run.sql.execute("INSERT INTO e (part) VALUES (2)")
            #expect(try source.live(1, polls: 2).isEmpty)
            try late.execute("COMMIT")
            #expect(try source.live(2).map { $0.keyColumn("id") } == [.int64(1), .int64(2)])
            source.stop()
        }
    }

    @Test(arguments: [
        ([1, 2, 3], 3), ([2, 3], 0), ([1, 3], 1), ([1, 2, 4, 5], 2), ([], 0), ([Int64.max], 0),
    ] as [([Int64], Int)]) func whatFollowsWithoutAGapGoesOut(ids: [Int64], count: Int) {
        #expect(FenceTail(last: 0).deliverable(ids) == count)
    }

    @Test func aGapEndsWhenNobodyIsLeftWhoMayFillIt() {
        var tail = FenceTail(last: 3)
        #expect(tail.deliverable([5, 6, 8]) == 0)
        tail.wait(top: 8, holders: ["3/1", "4/7"])
        var isOver = tail.look(holders: ["4/7", "9/9"], hasPrepared: false)
        #expect(!isOver)
        isOver = tail.look(holders: ["9/9"], hasPrepared: true)
        #expect(!isOver)
        isOver = tail.look(holders: ["9/9"], hasPrepared: false)
        #expect(isOver)
        #expect(tail.deliverable([5, 6, 8, 9, 11]) == 4)
        tail.delivered(upTo: 9)
        #expect(tail.last == 9)
        #expect(tail.deliverable([11]) == 0)
    }

    @Test(arguments: [
        (0, 0, 0), (1_700_000_000_123_456, 1_700_000_000_123, 123_456_000), (-1, -1, 999_999_000), (-1_000_001, -1001, 999_999_000),
    ] as [(Int64, Int64, Int64)]) func timesAreStoredAsTheJdbcSourceDoes(microseconds: Int64, milliseconds: Int64, nanoseconds: Int64) throws {
        let offset = RowPosition.Keyset(incrementing: 7, microseconds: microseconds).offset
        #expect(String(decoding: offset.json, as: UTF8.self) == "{\"incrementing\":7,\"timestamp\":\(milliseconds),\"timestamp_nanos\":\(nanoseconds)}")
        #expect(try RowPosition.Keyset(offset) == RowPosition.Keyset(incrementing: 7, microseconds: microseconds))
    }
}
