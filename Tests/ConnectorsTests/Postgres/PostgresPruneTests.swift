import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Testing

/// What becomes of changes that were delivered.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresPruneTests {
    private struct Pruned {
        let run: PostgresRun
        let clock = ForwardedClock()
        let source: SourceRun

        init() throws {
            run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY)")
            source = try run.source(["prune.retention.ms": "0", "snapshot.mode": "no_data"], context: TestSourceContext(clock: clock))
            try source.start()
            _ = try source.poll()
        }

        func deliver(_ ids: ClosedRange<Int>) throws {
            try run.sql.execute("INSERT INTO t SELECT generate_series(\(ids.lowerBound), \(ids.upperBound))")
            #expect(try source.live(ids.count).count == ids.count)
            try source.committed()
        }

        /// Lets the time for pruning come.
        func prune() throws {
            clock.putForward(seconds: 11)
            try source.settle()
        }

        var left: Int64? { get throws { try run.sql.execute("SELECT count(*) FROM connectd.change").integer(0, 0) } }
    }

    @Test func aChangeIsPrunedOnceEveryReaderHasIt() async throws {
        try await onThread {
            let pruned = try Pruned()
            try pruned.deliver(1...3)
            try pruned.run.sql.execute("INSERT INTO connectd.tail (name, snap) VALUES ('other/0', pg_current_snapshot())")
            try pruned.deliver(4...5)
            try pruned.prune()
            #expect(try pruned.left == 2)
            try pruned.run.sql.execute("DELETE FROM connectd.tail WHERE name = 'other/0'")
            try pruned.prune()
            #expect(try pruned.left == 0)
            pruned.source.stop()
        }
    }

    /// Or a server that keeps a million changes for an hour would read them all every ten seconds.
    @Test func pruningLooksNoFurtherThanItsFirstChanges() async throws {
        try await onThread {
            let pruned = try Pruned()
            try pruned.deliver(1...5001)
            try pruned.run.sql.execute("UPDATE connectd.change SET ts = now() + interval '1 day' WHERE id < (SELECT max(id) FROM connectd.change)")
            try pruned.prune()
            #expect(try pruned.left == 5001)
            try pruned.run.sql.execute("UPDATE connectd.change SET ts = now() - interval '1 day'")
            try pruned.prune()
            try pruned.prune()
            #expect(try pruned.left == 0)
            pruned.source.stop()
        }
    }
}
