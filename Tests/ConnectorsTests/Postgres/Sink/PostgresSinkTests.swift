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

    // MARK: positions

    @Test func whatWasWrittenIsNotWrittenAgain() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic((0..<10).map { Self.flat($0, $0) })
            try PostgresSinkRun(target.url, ["insert.mode": "insert"]).write(topic, batch: 4)
            let again = PostgresSinkRun(target.url, ["insert.mode": "insert"])
            try again.start()
            #expect(try again.task.open([topic.assigned]) == [topic.partition: 10])
            try again.task.put(topic.batch(from: 0, count: 10))
            again.task.stop()
            #expect(again.reporter.letters.isEmpty)
            #expect(try target.text("SELECT count(*) FROM t") == "10")
        }
    }

    @Test func aTaskWhosePartitionWasClaimedWritesNothingMore() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic([Self.flat(1, 1), Self.flat(2, 2)])
            let zombie = PostgresSinkRun(target.url), heir = PostgresSinkRun(target.url)
            try zombie.start()
            _ = try zombie.task.open([topic.assigned])
            try zombie.task.put(topic.batch(from: 0, count: 1))
            try heir.start()
            #expect(try heir.task.open([topic.assigned]) == [topic.partition: 1])
            let error = #expect(throws: ConnectError.self) { try zombie.task.put(topic.batch(from: 1, count: 1)) }
            #expect(error?.kind == .fenced)
            let ahead = #expect(throws: ConnectError.self) { try zombie.task.preCommit([topic.partition: CommittedOffset(offset: 9, leaderEpoch: 0)]) }
            #expect(ahead?.kind == .fenced)
            try heir.task.put(topic.batch(from: 1, count: 1))
            zombie.task.stop()
            heir.task.stop()
            #expect(try target.content == "1:1 2:2")
        }
    }

    @Test func aClaimWaitsForAZombiesOpenTransaction() async throws {
        try await onThread {
            let target = try PostgresTarget()
            // So many that they go by COPY: the transaction is open on the server when its COMMIT is due.
            let topic = Self.topic((0..<1200).map { Self.flat($0, $0) })
            let zombie = PostgresSinkRun(target.url), heir = PostgresSinkRun(target.url, ["lock.timeout.ms": "200"])
            try zombie.start()
            _ = try zombie.task.open([topic.assigned])
            try heir.start()
            zombie.task.fault = { step in
                guard step == "commit" else { return }
                let error = #expect(throws: ConnectError.self) { try heir.task.open([topic.assigned]) }
                #expect(error?.kind == .retriable, "\(error.map { "\($0)" } ?? "")")
            }
            try zombie.task.put(topic.batch(from: 0, count: 600))
            zombie.task.fault = nil
            #expect(try heir.task.open([topic.assigned]) == [topic.partition: 600])
            let error = #expect(throws: ConnectError.self) { try zombie.task.put(topic.batch(from: 600, count: 600)) }
            #expect(error?.kind == .fenced)
            zombie.task.stop()
            heir.task.stop()
            #expect(try target.text("SELECT count(*) FROM t") == "600")
        }
    }

    @Test func refusedPositionsLeaveTheTargetAlone() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try PostgresSinkRun(target.url).write(Self.topic([Self.flat(1, 1)]))
            let error = #expect(throws: ConnectError.self) { try PostgresSinkRun(target.url).write(Self.topic([Self.flat(9, 9)])) }
            #expect(error?.code == "sink.topic_recreated")
            #expect(try target.text("SELECT epoch FROM connectd.sink_offset") == "1")
            try PostgresSinkRun(target.url, ["on.topic.recreated": "reset"]).write(Self.topic([Self.flat(9, 9)]))
            #expect(try target.content == "1:1 9:9")
            // A copy that was deleted is not filled from the middle.
            let topic = Self.topic([Self.flat(1, 1)], "u")
            let run = PostgresSinkRun(target.url)
            try run.start()
            let lost = AssignedPartition(
                topicPartition: topic.partition, topicID: topic.id, bounds: topic.assigned.bounds,
                committed: CommittedOffset(offset: 1, leaderEpoch: 0, metadata: SinkResume.groupMetadata))
            #expect(throws: ConnectError.self) { try run.task.open([lost]) }
            run.task.stop()
            #expect(try target.text("SELECT count(*) FROM connectd.sink_offset WHERE topic = 'u'") == "0")
        }
    }

    @Test func aTargetThatLostItsEndIsSaidAndFilledAgain() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic((0..<4).map { Self.flat($0, $0) })
            let run = PostgresSinkRun(target.url)
            try run.start()
            _ = try run.task.open([topic.assigned])
            try run.task.put(topic.batch(from: 0, count: 3))
            // As a standby does that takes over without the primary's last transactions.
            try target.sql.execute("UPDATE connectd.sink_offset SET next_offset = 2; DELETE FROM t WHERE id = 2")
            let error = #expect(throws: ConnectError.self) { try run.task.put(topic.batch(from: 3, count: 1)) }
            #expect(error?.code == "sink.target_rewound")
            run.task.stop()
            try PostgresSinkRun(target.url).write(topic)
            #expect(try target.content == "0:0 1:1 2:2 3:3")
        }
    }

    @Test func positionsMoveByHandUnderANewEpoch() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic([Self.flat(1, 1), Self.flat(2, 2)])
            let run = PostgresSinkRun(target.url)
            try run.write(topic)
            let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("PostgresSink") { $0 == .sink })
            guard case .sink(let make) = plugin.factory else { throw ServerProblem("PostgresSink is no sink") }
            let config = try plugin.definition.parsed(ConfigMap(["connection.url": target.url]))
            #expect(make().fencesByEpoch(config))
            #expect(try make().alterOffsets(config, [topic.partition: 1], context: NamedContext("copy")))
            #expect(try target.text("SELECT next_offset || '/' || epoch FROM connectd.sink_offset") == "1/2")
            #expect(try make().alterOffsets(config, [topic.partition: nil], context: NamedContext("copy")))
            let again = PostgresSinkRun(target.url)
            try again.start()
            #expect(try again.task.open([topic.assigned]) == [topic.partition: 0])
            again.task.stop()
        }
    }

    // MARK: bad records

    @Test(arguments: [40, 1500]) func badRecordsAreReportedInOrderAndTheRestIsThere(count: Int) async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint CHECK (v >= 0), s varchar(3))")
            let run = PostgresSinkRun(target.url)
            let bad = [3, count / 2, count - 1]
            try run.write(Self.topic((0..<Int64(count)).map { Self.flat($0, bad.contains(Int($0)) ? -1 : $0, "abc") } + [Self.flat(7, 7, "abcd"), Self.flat(8, 8, "a\0b")]), batch: 5000)
            #expect(run.reporter.letters.map(\.offset) == (bad + [count, count + 1]).map { Int64($0) })
            #expect(run.reporter.letters.map(\.error.code) == ["sink.constraint", "sink.constraint", "sink.constraint", "sink.refused", "sink.unfit_value"])
            #expect(try target.text("SELECT count(*) || ' ' || count(*) FILTER (WHERE v = id AND s = 'abc') FROM t") == "\(count - 3) \(count - 3)")
            #expect(run.reporter.letters.first?.error.message.contains("t/0 offset 3") == true)
        }
    }

    @Test func withoutToleranceTheFirstBadRecordIsNamedAndNothingStays() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint CHECK (v >= 0), s text)")
            let run = PostgresSinkRun(target.url, reports: false)
            let error = #expect(throws: ConnectError.self) { try run.write(Self.topic([Self.flat(0, 0), Self.flat(5, -1), Self.flat(1, -1)])) }
            #expect(error?.kind == .data)
            #expect(error?.message.contains("t/0 offset 1") == true)
            #expect(try target.text("SELECT count(*) FROM t") == "0")
            #expect(try target.text("SELECT next_offset FROM connectd.sink_offset") == "0")
        }
    }

    @Test func whatABadRecordSupersededTakesItsPlace() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint CHECK (v >= 0), s text); INSERT INTO t VALUES (2, 5, '')")
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([Self.flat(1, 1), Self.flat(1, -1), Self.flat(1, -2), Self.gone(2), Self.flat(2, -1), Self.flat(3, -1)]))
            #expect(try target.content == "1:1")
            #expect(run.reporter.letters.map(\.offset) == [1, 2, 4, 5])
        }
    }

    @Test func whatATriggerRaisesIsItsRecordsFault() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute(
                """
                CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); CREATE TABLE seen (n serial, id bigint, v bigint);
                CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.v < 0 THEN RAISE 'not so'; END IF; INSERT INTO seen (id, v) VALUES (NEW.id, NEW.v); RETURN NEW; END $$;
                CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()
                """)
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([Self.flat(1, 1), Self.flat(1, -1), Self.flat(2, 2), Self.flat(1, 3)]))
            #expect(run.reporter.letters.map(\.offset) == [1])
            #expect(try target.content == "1:3 2:2")
            // Nothing was reduced: each change that was good was seen, in order.
            #expect(try target.text("SELECT string_agg(id || ':' || v, ' ' ORDER BY n) FILTER (WHERE v <> 1 OR true) FROM (SELECT min(n) n, id, v FROM seen GROUP BY id, v) x") == "1:1 2:2 1:3")
        }
    }

    // MARK: rows that depend on each other

    @Test func swapsOfUniqueValuesKeepTheirOrder() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint UNIQUE, s text)")
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([Self.flat(1, 1), Self.flat(2, 2), Self.flat(2, 3), Self.flat(1, 2), Self.flat(2, 1)]))
            #expect(try target.content == "1:2 2:1")
            #expect(run.reporter.letters.isEmpty)
        }
    }

    /// The constraint came after the sink had looked at the table.
    @Test func aConstraintThatComesLaterIsHeeded() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic([Self.flat(1, 1), Self.flat(2, 2), Self.flat(1, 5), Self.flat(2, 1), Self.flat(1, 2)])
            let run = PostgresSinkRun(target.url)
            try run.start()
            _ = try run.task.open([topic.assigned])
            try run.task.put(topic.batch(from: 0, count: 2))
            try target.sql.execute("ALTER TABLE t ADD UNIQUE (v)")
            try run.task.put(topic.batch(from: 2, count: 3))
            run.task.stop()
            #expect(try target.content == "1:2 2:1")
            #expect(run.reporter.letters.isEmpty)
        }
    }

    @Test func parentsComeBeforeTheirChildren() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint PRIMARY KEY, v bigint REFERENCES p, s text); INSERT INTO p VALUES (1)")
            func child(_ id: Int64, _ parent: Int64) -> Record { Self.routed(Self.flat(id, parent), "c") }
            func parent(_ id: Int64) -> Record {
                let schema = Schema.structure(nil, fields: [.init("id", .plain(.int64))])
                return Self.routed(Record(topic: "t", keySchema: schema, key: .structure(Struct(schema, [.int64(id)])), valueSchema: schema, value: .structure(Struct(schema, [.int64(id)]))), "p")
            }
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([child(1, 1), parent(2), child(2, 2), Self.routed(Self.gone(1), "c"), Self.routed(Self.gone(1), "p"), child(3, 2)]))
            #expect(run.reporter.letters.isEmpty, "\(run.reporter.letters)")
            #expect(try target.text("SELECT string_agg(id || ':' || v, ' ' ORDER BY id) FROM c") == "2:2 3:2")
        }
    }

    /// The same record, of a table that its key's schema names.
    static func routed(_ record: Record, _ table: String) -> Record {
        guard case .structure(let key) = record.key else { return record }
        let schema = Schema(.structure, name: "k", parameters: SourceTableParameters.make(database: "d", schema: "public", table: table), fields: key.schema.fields)
        var copy = record
        copy.keySchema = schema
        copy.key = .structure(Struct(schema, key.values))
        return copy
    }

    @Test func keysWithSeveralSpellingsKeepTheirOrder() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id numeric PRIMARY KEY, v bigint, s text)")
            let run = PostgresSinkRun(target.url)
            let key = Schema.structure("k", fields: [.init("id", .plain(.string))])
            let row = Schema.structure("r", fields: [.init("v", .plain(.int64))])
            let records = [("1.0", 1), ("1.00", 2), ("1", 3), ("2", 4), ("1.0", 5)].map { id, v in
                Record(topic: "t", keySchema: key, key: .structure(Struct(key, [.string(id)])), valueSchema: row, value: .structure(Struct(row, [.int64(Int64(v))])))
            }
            try run.write(Self.topic(records))
            #expect(run.reporter.letters.isEmpty)
            #expect(try target.text("SELECT string_agg(id || ':' || v, ' ' ORDER BY id) FROM t") == "1.0:5 2:4")
        }
    }

    @Test func rowsWithFewerColumnsDoNotForgetTheOthers() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text DEFAULT 'd')")
            func json(_ members: [(String, Value)]) -> Record {
                Record(topic: "t", keySchema: SqliteSinkTests.key, key: .structure(Struct(SqliteSinkTests.key, [.int64(1)])), value: .map(members.map { .init(key: .string($0.0), value: $0.1) }))
            }
            try PostgresSinkRun(target.url).write(Self.topic([json([("v", .int64(1)), ("s", .string("x"))]), json([("v", .int64(2))])]))
            #expect(try target.text("SELECT v || s FROM t") == "2x")
            try PostgresSinkRun(target.url, ["on.topic.recreated": "reset"]).write(Self.topic([json([("s", .string("y"))]), Self.gone(1), json([("v", .int64(3))])]))
            #expect(try target.text("SELECT v || s FROM t") == "3d")
        }
    }

    @Test func aWriteBringsNoDeletedRowBackWhereOnlyUpdatesAreMade() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); INSERT INTO t VALUES (1, 0), (2, 0)")
            try PostgresSinkRun(target.url, ["insert.mode": "update"]).write(Self.topic([Self.flat(1, 1), Self.gone(1), Self.flat(1, 2), Self.flat(2, 1)]))
            #expect(try target.content == "2:1")
        }
    }

    @Test(arguments: ["false", "true"]) func truncatesEmptyTheTableWhereTheyAreWanted(wanted: String) async throws {
        try await onThread {
            let target = try PostgresTarget()
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
            let source = try run.source(["skipped.operations": "none"])
            try source.start()
            try source.settle()
            try run.sql.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
            try run.sql.execute("TRUNCATE t; INSERT INTO t VALUES (3, 3)")
            let records = try source.live(4)
            source.stop()
            try PostgresSinkRun(target.url, ["truncate.enabled": wanted]).write(Self.topic(records, "t.public.t"))
            #expect(try target.content == (wanted == "true" ? "3:3" : "1:1 2:2 3:3"))
        }
    }
}

/// What a connector gets when its positions are moved by hand.
final class NamedContext: ConnectorContext {
    let connector: Name
    let logger = Logger(label: "test", handler: LogLines())
    let wakeUp = WakeUp()
    let offsets: (any SourceOffsetReader)? = nil
    init(_ connector: Name) { self.connector = connector }
    func requestTaskReconfiguration() {}
    func raise(_ error: ConnectError) {}
}
