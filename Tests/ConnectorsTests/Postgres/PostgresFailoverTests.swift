import ConnectRuntime
import ConnectTesting
import Connectors
import Glibc
import Postgres
import PostgresTesting
import Testing

/// A primary that dies while a source or a sink works with it, and a standby that takes its place: the connection names both.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresFailoverTests {
    static let modes: [(name: String, settings: KeyValuePairs<Name, String>)] = [
        ("changes", [:]), ("fence", ["mode": "fence", "table.include.list": "public.t"]), ("events", ["capture": "events", "table.include.list": "public.t"]),
    ]

    private func url(_ run: PostgresRun, _ standby: PostgresServer) -> String {
        "postgresql:///\(run.database)?user=postgres&host=\(run.server.folder),\(standby.folder)&port=\(run.server.port),\(standby.port)"
    }

    /// Waits until the standby has everything the primary has.
    private func catchUp(_ run: PostgresRun, _ standby: PostgresServer) throws {
        let end = try run.connect().execute("SELECT pg_current_wal_flush_lsn()").text(0, 0) ?? ""
        let there = try standby.connect(run.database)
        #expect(eventually { (try? there.execute("SELECT pg_last_wal_replay_lsn() >= '\(end)'").boolean(0, 0)) == true })
    }

    /// Polls until so many live records came, or for a bounded number of polls; returns the errors too.
    private func patiently(_ source: SourceRun, _ enough: Int, polls: Int = 100) -> (ids: [Int64], errors: [ConnectError]) {
        var ids: [Int64] = [], errors: [ConnectError] = []
        for _ in 0..<polls where ids.count < enough {
            do {
                ids += try source.live(1, polls: 1).compactMap { if case .int64(let id)? = $0.keyColumn("id") { id } else { nil } }
            } catch {
                errors.append(ConnectError(error))
                if ConnectError(error).kind != .retriable { break }
                usleep(20_000)
            }
        }
        return (ids, errors)
    }

    /// The stored position does not carry over by itself: what was delivered and did not reach the standby has its numbers given out again there.
    @Test(arguments: modes.indices, ["fail", "replay"]) func aStandbyIsPromotedWhileASourceRuns(mode: Int, policy: String) async throws {
        try await onThread {
            let primary = try PostgresServer()
            var run = try PostgresRun(primary)
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY, note text)")
            // Making it ends the sessions with the primary.
            let standby = try primary.makeStandby(), database = run.database
            run = try PostgresRun(primary, database: database)
            var map = run.map(Self.modes[mode].settings)
            map["connection.url"] = .some(url(run, standby))
            map["on.timeline.change"] = .some(policy)
            let source = try SourceRun("PostgresSource", map)
            try source.start()
            // Rows that come before the table was first read are delivered with its rows too.
            try source.settle()
            try run.sql.execute("INSERT INTO t (note) SELECT 'before' FROM generate_series(1, 3)")
            #expect(patiently(source, 3).ids == [1, 2, 3])
            try catchUp(run, standby)
            try primary.stop("immediate")
            // A standby is no place to go on, and no reason to give up either.
            let down = patiently(source, 1, polls: 5)
            #expect(down.ids == [], "\(Self.modes[mode].name)")
            #expect(!down.errors.isEmpty)
            #expect(down.errors.allSatisfy { $0.kind == .retriable }, "\(down.errors.map(\.message))")
            try standby.promote()
            let sql = try standby.connect(database)
            try sql.execute("INSERT INTO t (note) VALUES ('after')")
            let added = try sql.execute("SELECT max(id) FROM t").integer(0, 0) ?? 0
            if policy == "fail" {
                let (ids, errors) = patiently(source, 1)
                #expect(ids.isEmpty)
                #expect(errors.last?.kind == .fatal)
                #expect(errors.last?.code == "postgres.source.timeline", "\(errors.map(\.message))")
                #expect(errors.last?.suggestion?.contains("on.timeline.change=replay") == true)
            } else {
                // Again what is young (or, where rows do not say, everything), in its order.
                #expect(patiently(source, 4).ids == [1, 2, 3, added])
                try sql.execute("INSERT INTO t (note) VALUES ('later')")
                #expect(patiently(source, 1).ids == [added + 1])
            }
            source.stop()
        }
    }

    /// Rows and position are one transaction: the standby has both or neither, and the sink obeys what it finds.
    @Test func aStandbyIsPromotedWhileASinkRuns() async throws {
        try await onThread {
            let primary = try PostgresServer()
            var run = try PostgresRun(primary)
            let standby = try primary.makeStandby(), database = run.database
            run = try PostgresRun(primary, database: database)
            let topic = PostgresSinkTests.topic((1...5).map { PostgresSinkTests.flat($0, $0) }, "t")
            let sink = PostgresSinkRun(url(run, standby))
            try sink.start()
            var position = try sink.task.open([topic.assigned])[topic.partition] ?? 0
            try sink.task.put(topic.batch(from: position, count: 5))
            try catchUp(run, standby)
            try primary.stop("immediate")
            topic.records += (6...9).map { PostgresSinkTests.flat($0, $0) }
            let error = #expect(throws: ConnectError.self) { try sink.task.put(topic.batch(from: 5, count: 4)) }
            #expect(error?.kind == .retriable, "\(error?.message ?? "")")
            try standby.promote()
            // What the runner does after a batch that failed: it is offered again.
            try sink.task.put(topic.batch(from: 5, count: 4))
            sink.task.stop()
            let sql = try standby.connect(database)
            #expect(try sql.execute("SELECT count(*) FROM t").integer(0, 0) == 9)
            let again = PostgresSinkRun(url(run, standby))
            try again.start()
            position = try again.task.open([topic.assigned])[topic.partition] ?? 0
            #expect(position == 9)
            again.task.stop()
        }
    }
}
