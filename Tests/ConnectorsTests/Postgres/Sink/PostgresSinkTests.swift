import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSinkTests {
    static func topic(_ records: [Record], _ name: Name = "t") -> TestTopic {
        let topic = TestTopic(name)
        topic.records = records
        return topic
    }
    static func flat(_ id: Int64, _ v: Int64?, _ s: String? = nil) -> Record { SqliteSinkTests.flat(id, v, s) }
    static func gone(_ id: Int64) -> Record { SqliteSinkTests.gone(id) }

    /// Few records go by arrays, many by COPY: the same must come of it.
    @Test(arguments: [0, 2000]) func rowsFollowTheirKeys(more: Int) async throws {
        try await onThread {
            let target = try PostgresTarget()
            let run = PostgresSinkRun(target.url)
            let others = (0..<Int64(more)).map { Self.flat(100 + $0, $0) }
            try run.write(Self.topic([Self.flat(2, 1), Self.flat(1, 1)] + others + [Self.flat(2, 2), Self.gone(1), Self.flat(3, nil)]), batch: 5000)
            #expect(run.reporter.letters.isEmpty, "\(run.reporter.letters)")
            #expect(try target.text("SELECT string_agg(id || ':' || coalesce(v::text, '-'), ' ' ORDER BY id) FROM t WHERE id < 100") == "2:2 3:-")
            #expect(try target.text("SELECT count(*) || ' ' || coalesce(sum(v), 0) FROM t WHERE id >= 100") == "\(more) \(more * (more - 1) / 2)")
            #expect(try target.text("SELECT next_offset || '/' || epoch || '/' || last_log_epoch FROM connectd.sink_offset") == "\(more + 5)/1/0")
        }
    }

    @Test(arguments: [1, 3, 700]) func everyInsertModeTakesItsTurn(batch: Int) async throws {
        try await onThread {
            let target = try PostgresTarget()
            let records = (0..<1500).map { Self.flat(Int64($0), Int64($0), "s\t\\\n\"{}',\($0)") }
            try PostgresSinkRun(target.url, ["insert.mode": "insert"]).write(Self.topic(records), batch: batch)
            #expect(try target.text("SELECT count(*) || ' ' || sum(v) || ' ' || bool_and(s = E's\\t\\\\\\n\"{}'',' || id) FROM t") == "1500 1124250 true")
            try PostgresSinkRun(target.url, ["insert.mode": "update", "on.topic.recreated": "reset"])
                .write(Self.topic((0..<1500).map { Self.flat(Int64($0 * 2), -1) }), batch: batch)
            #expect(try target.text("SELECT count(*) || ' ' || count(*) FILTER (WHERE v = -1) FROM t") == "1500 750")
        }
    }
}
