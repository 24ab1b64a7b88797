import ConnectRuntime
import ConnectTesting
@preconcurrency import Connectors
import Postgres
import PostgresTesting
import Testing

/// A server whose folder is replaced by a copy from before, at the same address: it is the same server in the same life, and what was delivered or written last is not there any more.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresRestoredTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let mode: String
        let settings: [(Name, String)]
        /// What is done after the copy was put back, before the source looks again.
        let meanwhile: String
        let isRunning: Bool
        var testDescription: String { "\(mode), \(meanwhile), \(isRunning ? "running" : "stopped")" }
    }

    static let cases: [Case] = [("changes", []), ("events", [("capture", "events")]), ("fence", [("mode", "fence")])].flatMap { (mode: String, settings: [(Name, String)]) in
        // A number that was drawn again cannot be told where numbers are all there is, nor a row of an event table that is gone from one that was removed.
        (mode == "changes" ? ["nothing", "others", "the same numbers"] : mode == "events" ? ["nothing", "the same numbers"] : ["nothing", "others"]).flatMap { meanwhile in
            [true, false].map { Case(mode: mode, settings: settings, meanwhile: meanwhile, isRunning: $0) }
        }
    }

    @Test(arguments: cases) func aSourceNoticesAndPassesNothingOver(_ example: Case) async throws {
        try await onThread {
            let server = try PostgresServer()
            var run = try PostgresRun(server)
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY, note text); CREATE TABLE unrelated (n int); INSERT INTO t (note) SELECT 'first' FROM generate_series(1, 3)")
            var map = run.map(["table.include.list": "public.t"])
            for (name, value) in example.settings { map[name] = .some(value) }
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            #expect(try source.live(3).count == 3)
            try source.settle()
            source.stop()
            run.sql.close()
            try server.keepCopy()
            run = try PostgresRun(server, database: run.database)
            try source.start()
            for _ in 0..<5 { try run.sql.execute("INSERT INTO t (note) VALUES ('lost')") }
            #expect(try source.live(5).count == 5)
            if !example.isRunning { source.stop() }
            run.sql.close()
            try server.putBackCopy()
            run = try PostgresRun(server, database: run.database)
            // Past the transactions that were known; then numbers of rows are given out again, by other transactions.
            if example.meanwhile != "nothing" { for _ in 0..<200 { try run.sql.execute("INSERT INTO unrelated VALUES (1)") } }
            if example.meanwhile == "the same numbers" { for _ in 0..<20 { try run.sql.execute("INSERT INTO t (note) VALUES ('again')") } }
            var found: ConnectError?
            for _ in 0..<8 where found == nil {
                do {
                    if example.isRunning { #expect(try source.live(1, polls: 1).isEmpty) } else { try source.start() }
                    if !example.isRunning { #expect(try source.live(1, polls: 1).isEmpty) }
                } catch {
                    // The session that went with the server.
                    if ConnectError(error).kind != .retriable { found = ConnectError(error) }
                }
            }
            #expect(found?.code == "postgres.source.history_lost" && found?.kind == .fatal, "\(found.map { "\($0)" } ?? "nothing is noticed")")
            #expect(found?.suggestion?.contains("on.history.lost=earliest") == true)
            source.stop()
            // As it suggests: everything that is there, anew.
            map["on.history.lost"] = .some("earliest")
            let again = try SourceRun("PostgresSource", map, context: source.context)
            try again.start()
            let rows = Int(try run.sql.execute("SELECT count(*) FROM t").integer(0, 0) ?? 0)
            #expect(try again.live(rows).count == rows)
            try run.sql.execute("INSERT INTO t (note) VALUES ('later')")
            #expect(try again.live(1).count == 1)
            again.stop()
            run.sql.close()
            try server.stop("immediate")
        }
    }

    /// Rows and position go back together: a running task says what became of them, and after a restart what was lost is written again.
    @Test(arguments: [true, false]) func aSinkWritesAgainWhatWasLost(isRunning: Bool) async throws {
        try await onThread {
            let server = try PostgresServer()
            let target = try PostgresTarget(server)
            let topic = PostgresSinkTests.topic((1...12).map { PostgresSinkTests.flat($0, $0) })
            let first = PostgresSinkRun(target.url, ["insert.mode": "insert"])
            try first.start()
            _ = try first.task.open([topic.assigned])
            try first.task.put(topic.batch(from: 0, count: 3))
            first.task.stop()
            target.sql.close()
            try server.keepCopy()
            let run = PostgresSinkRun(target.url, ["insert.mode": "insert"])
            try run.start()
            #expect(try run.task.open([topic.assigned]) == [topic.partition: 3])
            try run.task.put(topic.batch(from: 3, count: 5))
            if !isRunning { run.task.stop() }
            try server.putBackCopy()
            if isRunning {
                var found: ConnectError?
                for _ in 0..<8 where found == nil {
                    do { try run.task.put(topic.batch(from: 8, count: 4)) } catch {
                        if ConnectError(error).kind != .retriable { found = ConnectError(error) }
                    }
                }
                // The row of its claim went back too: to an epoch that another run of the task has had.
                #expect(found?.code == "sink.target_rewound" && found?.kind == .fatal, "\(found.map { "\($0)" } ?? "nothing is noticed")")
                run.task.stop()
            }
            let again = PostgresSinkRun(target.url, ["insert.mode": "insert"])
            try again.start()
            var position = try again.task.open([topic.assigned])[topic.partition] ?? -1
            #expect(position == 3)
            while position < 12 {
                try again.task.put(topic.batch(from: position, count: 4))
                position = min(12, position + 4)
            }
            again.task.stop()
            let sql = try server.connect(target.database)
            #expect(try sql.execute("SELECT count(*) || ' ' || count(DISTINCT id) || ' ' || sum(v) FROM t").text(0, 0) == "12 12 78")
            sql.close()
            try server.stop("immediate")
        }
    }
}
