import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Testing

/// A session that leaves a transaction open with an old snapshot: what it delays is its own changes, and with `mode=fence` the rows above a number it has drawn. Nothing is lost, doubled or out of
/// order, across restarts of the source and prunings too, and it is said who it is.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresIdleTransactionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let mode: String
        let settings: [(Name, String)]
        /// What the open transaction has done.
        let deed: String
        /// Whether rows of others wait for it.
        let delays: Bool
        var isPrepared = false
        var testDescription: String { "\(mode): \(deed)" }
        var holds: Bool { deed.contains("t (note)") }
    }

    static let cases: [Case] = [
        ("changes", [("prune.retention.ms", "0"), ("wake", "poll")]), ("events", [("capture", "events")]), ("fence", [("mode", "fence")]),
    ].flatMap { (mode: String, settings: [(Name, String)]) in
        [
            Case(mode: mode, settings: settings, deed: "INSERT INTO unrelated VALUES (1)", delays: false),
            Case(mode: mode, settings: settings, deed: "INSERT INTO unrelated VALUES (1); INSERT INTO t (note) VALUES ('held')", delays: mode == "fence"),
            Case(mode: mode, settings: settings, deed: "INSERT INTO unrelated VALUES (1); SAVEPOINT s; INSERT INTO t (note) VALUES ('held'); RELEASE SAVEPOINT s", delays: mode == "fence"),
            Case(mode: mode, settings: settings, deed: "INSERT INTO t (note) VALUES ('held')", delays: mode == "fence", isPrepared: true),
        ]
    }

    /// The rows' numbers in the order in which they are delivered.
    private func ids(_ source: SourceRun, _ enough: Int, polls: Int = 60) throws -> [Int64] {
        try source.live(enough, polls: polls).compactMap { if case .int64(let id)? = $0.keyColumn("id") { id } else { nil } }
    }

    static let ends = cases.flatMap { example in (example.isPrepared ? ["COMMIT", "ROLLBACK"] : [example.deed.contains("SAVEPOINT") || !example.holds ? "ROLLBACK" : "COMMIT"]).map { (example, $0) } }

    @Test(arguments: ends) func itDelaysWhatItMustAndIsNamed(_ example: Case, end: String) async throws {
        try await onThread {
            // Other suites' transactions would be named.
            let run = try PostgresRun(Self.server.get())
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY, note text); CREATE TABLE unrelated (n int); INSERT INTO t (note) VALUES ('before')")
            var map = run.map(["table.include.list": "public.t"])
            for (name, value) in example.settings { map[name] = .some(value) }
            let clock = ForwardedClock(), context = TestSourceContext(clock: clock)
            // Time passes quickly, so that what is done now and then is done.
            let isOver = Flag(), hands = try Aside { while !isOver.wait(milliseconds: 30) { clock.putForward(seconds: 1) } }
            defer {
                isOver.set()
                try? hands.wait()
            }
            var source = try SourceRun("PostgresSource", map, context: context)
            try source.start()
            #expect(try ids(source, 1, polls: 2000) == [1])
            try source.settle()

            let holder = try run.connect(), process = Int64(holder.backendProcess), name = "held_\(run.database)"
            try holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t; \(example.deed)")
            if example.isPrepared { try holder.execute("PREPARE TRANSACTION '\(name)'") }
            var delivered: [Int64] = []
            func insert(_ count: Int) throws { try run.sql.execute("INSERT INTO t (note) SELECT 'other' FROM generate_series(1, \(count))") }
            // More than its own number; across a restart; and once more.
            try insert(5)
            for round in 0..<3 {
                delivered += try ids(source, example.delays ? 1 : 5, polls: example.delays ? 5 : 2000)
                if round == 0 {
                    try source.committed()
                    source.stop()
                    source = try SourceRun("PostgresSource", map, context: context)
                    try source.start()
                }
                // What is finished and delivered may be pruned meanwhile.
                delivered += try ids(source, 1, polls: 5)
                try source.committed()
                if round < 2 { try insert(5) }
            }
            let others = try run.sql.execute("SELECT string_agg(id::text, ',' ORDER BY id) FROM t WHERE note = 'other'").text(0, 0) ?? ""
            #expect(delivered.map(String.init).joined(separator: ",") == (example.delays ? "" : others), "what nobody stands before comes, in order")
            if example.delays {
                for _ in 0..<2000 where context.notes.last == .some(nil) || context.notes.isEmpty { _ = try source.poll() }
                let words = example.isPrepared ? "a prepared transaction" : "1 transaction(s) of server process(es) \(process)"
                #expect(context.notes.last??.contains(words) == true, "\(context.notes)")
            } else if example.mode == "changes" {
                #expect(context.metrics.gauges["oldest_transaction_pid"] == (example.isPrepared ? 0 : process))
                #expect(context.metrics.gauges["oldest_transaction_milliseconds"] != nil)
            }

            try holder.execute(example.isPrepared ? "\(end) PREPARED '\(name)'" : end)
            try insert(2)
            let all = try run.sql.execute("SELECT string_agg(id::text, ',' ORDER BY id), count(*) FROM t WHERE id > 1")
            delivered += try ids(source, Int(all.integer(0, 1) ?? 0) - delivered.count, polls: 2000)
            delivered += try ids(source, 1, polls: 5)
            #expect(delivered.sorted().map(String.init).joined(separator: ",") == all.text(0, 0), "each once")
            if example.mode == "fence" { #expect(delivered == delivered.sorted()) }
            if example.holds, end == "COMMIT" { #expect(delivered.count == 18) }
            if example.delays { #expect(context.notes.last == .some(nil), "\(context.notes)") }
            source.stop()
            holder.close()
        }
    }
    private static let server = Result { try PostgresServer() }

    /// Changes of one row keep their order, though the first of them is delivered long after others of its time.
    @Test func changesOfOneRowKeepTheirOrder() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0), (2, 0)")
            let source = try run.source()
            try source.start()
            #expect(try source.live(2).count == 2)
            try source.settle()
            let holder = try run.connect()
            try holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE t SET v = 1 WHERE id = 1; UPDATE t SET v = 2 WHERE id = 1")
            for v in 1...20 { try run.sql.execute("UPDATE t SET v = \(v) WHERE id = 2") }
            func versions(_ enough: Int) throws -> [String] {
                try source.live(enough).map { "\($0.keyColumn("id").map { "\($0)" } ?? ""):\($0.column("v", of: "before").map { "\($0)" } ?? "")-\($0.column("v").map { "\($0)" } ?? "")" }
            }
            #expect(try versions(20) == (1...20).map { "\(Value.int64(2)):\(Value.int32(Int32($0 - 1)))-\(Value.int32(Int32($0)))" })
            try holder.execute("UPDATE t SET v = 3 WHERE id = 1; COMMIT")
            try run.sql.execute("UPDATE t SET v = 4 WHERE id = 1")
            #expect(try versions(4) == (1...4).map { "\(Value.int64(1)):\(Value.int32(Int32($0 - 1)))-\(Value.int32(Int32($0)))" })
            source.stop()
            holder.close()
        }
    }
}
