import ConnectRuntime
import ConnectTesting
@preconcurrency import Connectors
import Postgres
import PostgresTesting
import Testing

/// Other sessions lock what the sink writes in the opposite order, so that the server itself ends its transaction: it is done again, once, inside the task.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSinkConflictTests {
    /// What the two of them meet in.
    struct Meeting: Sendable, CustomTestStringConvertible {
        let name: String
        let tables: String
        /// Takes what the sink needs first, in between and last.
        let takes: [String]
        let settings: [(Name, String)]
        let count: Int64
        let content: String
        var topics: [Name] = ["t"]
        var testDescription: String { name }
    }

    /// Few rows go by arrays, many by COPY.
    static let meetings = [3, 700].flatMap { (count: Int64) in
        [
            Meeting(
                name: "rows, \(count)", tables: "CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); INSERT INTO t SELECT i, -1 FROM generate_series(1, \(count)) i",
                takes: [1, (count + 1) / 2, count].map { "UPDATE t SET v = -2 WHERE id = \($0)" }, settings: [], count: count, content: "\(count) \(count) \(count * (count + 1) / 2)"),
            Meeting(
                name: "rows that others refer to, \(count)",
                tables: "CREATE TABLE p (id bigint PRIMARY KEY); INSERT INTO p SELECT generate_series(1, \(count)); CREATE TABLE t (id bigint REFERENCES p, v bigint, s text)",
                takes: [1, (count + 1) / 2, count].map { "SELECT FROM p WHERE id = \($0) FOR UPDATE" }, settings: [("insert.mode", "insert"), ("pk.mode", "none"), ("delete.enabled", "false")], count: count,
                content: "\(count) \(count) \(count * (count + 1) / 2)"),
        ]
    } + [
        Meeting(
            name: "tables", tables: "CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); CREATE TABLE t2 (LIKE t INCLUDING ALL); CREATE TABLE t3 (LIKE t INCLUDING ALL)",
            takes: ["LOCK t IN SHARE MODE", "LOCK t2 IN SHARE MODE", "LOCK t3 IN SHARE MODE"], settings: [("table.name.format", "${topic}")], count: 1, content: "1 1 1", topics: ["t", "t2", "t3"])
    ]

    @Test(arguments: meetings) func aDeadlockIsTriedAgain(_ meeting: Meeting) async throws {
        try await onThread {
            let target = try PostgresTarget(), sessions = NamedSessions(server: target.server, database: target.database)
            try target.sql.execute(meeting.tables)
            // Who waits last looks for a deadlock first: the sink.
            let run = PostgresSinkRun(sessions.url("sink") + "&options=-c%20deadlock_timeout%3D10ms", ["lock.timeout.ms": "600000", "statement.timeout.ms": "600000"], more: meeting.settings)
            let topics = meeting.topics.map { name in PostgresSinkTests.topic((1...meeting.count).map { PostgresSinkTests.flat($0, $0) }, name) }
            try run.start()
            _ = try run.task.open(topics.map(\.assigned))

            // The gate keeps the sink between its first lock and its last until the rival waits for the first.
            let gate = try sessions.rival("gate", "BEGIN; \(meeting.takes[1])") { gate in
                try sessions.awaitThat("rival", waitsFor: "sink")
                try gate.execute("ROLLBACK")
            }
            let rival = try sessions.rival("rival", "SET deadlock_timeout TO '1h'; BEGIN; \(meeting.takes[2])") { rival in
                try sessions.awaitThat("sink", waitsFor: "gate")
                try rival.execute(meeting.takes[0])
                try rival.execute("COMMIT")
            }
            var batch = RecordBatch()
            for topic in topics {
                var records = topic.batch(from: 0, count: Int(meeting.count))
                for index in records.entries.indices { records.entries[index].record.topic = topic.partition.topic }
                batch.entries += records.entries
            }
            try run.task.put(batch)
            try rival.wait()
            try gate.wait()
            #expect(run.context.metrics.retries.value == 1)
            #expect(run.reporter.letters.isEmpty)
            // Its commit was one: what comes next joins on.
            for topic in topics { topic.records.append(PostgresSinkTests.flat(1, 1)) }
            if meeting.topics.count == 1, meeting.settings.isEmpty { try run.task.put(topics[0].batch(from: meeting.count, count: 1)) }
            run.task.stop()
            for topic in topics {
                #expect(try target.text("SELECT count(*) || ' ' || count(DISTINCT id) || ' ' || sum(v) FROM \(topic.partition.topic)") == meeting.content)
            }
            #expect(eventually { (try? target.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")) == "1" })
        }
    }

    /// A serialization failure that the server raises at READ COMMITTED too.
    @Test func aRowThatMovesToAnotherPartitionIsTriedAgain() async throws {
        try await onThread {
            let target = try PostgresTarget(), sessions = NamedSessions(server: target.server, database: target.database)
            try target.sql.execute(
                """
                CREATE TABLE t (id bigint, v bigint, s text) PARTITION BY LIST (s); CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a'); CREATE TABLE t_b PARTITION OF t FOR VALUES IN ('b');
                INSERT INTO t SELECT i, i, 'a' FROM generate_series(1, 3) i
                """)
            let run = PostgresSinkRun(sessions.url("sink"), ["lock.timeout.ms": "600000", "statement.timeout.ms": "600000", "insert.mode": "update"])
            let topic = PostgresSinkTests.topic([PostgresSinkTests.gone(1), PostgresSinkTests.gone(2)])
            try run.start()
            _ = try run.task.open([topic.assigned])
            let rival = try sessions.rival("rival", "BEGIN; UPDATE t SET s = 'b' WHERE id = 2") { rival in
                try sessions.awaitThat("sink", waitsFor: "rival")
                try rival.execute("COMMIT")
            }
            try run.task.put(topic.batch(from: 0, count: 2))
            try rival.wait()
            run.task.stop()
            #expect(run.context.metrics.retries.value == 1)
            #expect(try target.text("SELECT string_agg(id || s, ' ' ORDER BY id) || ' ' || (SELECT next_offset FROM connectd.sink_offset) FROM t") == "3a 2")
        }
    }

    /// At another level the second of two that change a row is refused: what a role or a URL says about it is not taken over.
    @Test(arguments: ["role", "url"], ["repeatable read", "serializable"]) func anotherDefaultIsolationIsNotTakenOver(place: String, level: String) async throws {
        try await onThread {
            let target = try PostgresTarget(), sessions = NamedSessions(server: target.server, database: target.database), role = "isolated_\(target.database)"
            try target.sql.execute("CREATE ROLE \(role) LOGIN SUPERUSER; CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); INSERT INTO t VALUES (1, 0)")
            var url = target.server.url(target.database, user: role) + "&application_name=sink"
            if place == "role" {
                try target.sql.execute("ALTER ROLE \(role) SET default_transaction_isolation TO '\(level)'")
            } else {
                url += "&options=-c%20default_transaction_isolation%3D\(URLText.encode(level.replacing(" ", with: "\\ ")))"
            }
            let run = PostgresSinkRun(url, ["lock.timeout.ms": "600000", "statement.timeout.ms": "600000"])
            let topic = PostgresSinkTests.topic([PostgresSinkTests.flat(1, 1)])
            try run.start()
            _ = try run.task.open([topic.assigned])
            let rival = try sessions.rival("rival", "BEGIN; UPDATE t SET v = 7") { rival in
                try sessions.awaitThat("sink", waitsFor: "rival")
                try rival.execute("COMMIT")
            }
            try run.task.put(topic.batch(from: 0, count: 1))
            try rival.wait()
            run.task.stop()
            #expect(run.context.metrics.retries.value == 0)
            #expect(try target.content == "1:1")
            // The same holds for what any session of ours does.
            let session = try Connection.open(ConnectionParameters(url: url))
            #expect(try session.execute("SHOW transaction_isolation").text(0, 0) == "read committed")
            session.close()
            try target.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    /// Sessions that lock two rows at a time in any order meet a worker's sinks again and again: they end with equal tables, and no task ever fails.
    @Test func amongManyDeadlocksNothingIsLostOrDoubled() async throws {
        try await onThread {
            let server = try PostgresServer(.init(settings: ["deadlock_timeout = '5ms'"])), run = try PostgresRun(server), target = try PostgresTarget(server)
            try run.sql.execute("CREATE TABLE s (id int PRIMARY KEY, v int); INSERT INTO s SELECT i, 0 FROM generate_series(1, 20) i; CREATE TABLE e (seq bigserial PRIMARY KEY, parent int); INSERT INTO e (parent) VALUES (1)")
            try target.sql.execute(
                "CREATE TABLE s (id int PRIMARY KEY, v int); CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p SELECT generate_series(1, 20); CREATE TABLE e (seq bigint, parent int REFERENCES p)")
            let worker = try HerderRun(settings: ["sink.batch.max.rows": "20"])
            defer { worker.stop() }
            let shop = run.map(["table.include.list": "public.s,public.e"])
            let mirror = ConfigMap(["connector.class": "PostgresSink", "connection.url": target.url, "topics": "t.public.s"])
            let append = ConfigMap([
                "connector.class": "PostgresSink", "connection.url": target.url, "topics": "t.public.e", "insert.mode": "insert", "pk.mode": "none", "delete.enabled": "false",
            ])
            for (name, map) in [("shop", shop), ("mirror", mirror), ("append", append)] as [(Name, ConfigMap)] { _ = try worker.herder.put(name, map, initialState: nil, replacing: false) }
            #expect(worker.hasRead(tables: 2, "shop"))

            // Who waits for a lock looks for a deadlock, apart from these: the sink is who finds it, and ends.
            let sessions = NamedSessions(server: server, database: target.database), isOver = Flag()
            defer { isOver.set() }
            let rivals = try (0..<3).map { number in
                try sessions.rival("rival", "SET deadlock_timeout TO '1h'; SET lock_timeout TO '200ms'") { rival in
                    var random = RandomNumbers(seed: UInt64(number))
                    while !isOver.isSet {
                        let rows = (0..<2).map { _ in Int.random(in: 1...20, using: &random) }, table = number % 2 == 0 ? "s" : "p"
                        do {
                            try rival.execute("BEGIN; SELECT FROM \(table) WHERE id = \(rows[0]) FOR UPDATE")
                            try rival.execute("SELECT pg_sleep(0.002); SELECT FROM \(table) WHERE id = \(rows[1]) FOR UPDATE; COMMIT")
                        } catch { try rival.execute("ROLLBACK") }
                    }
                }
            }
            var random = RandomNumbers(seed: 4), events = 1
            func isEqual() throws -> Bool {
                let copy = try target.text("SELECT string_agg(id || ':' || v, ' ' ORDER BY id) FROM s")
                return try run.sql.execute("SELECT string_agg(id || ':' || v, ' ' ORDER BY id) FROM s").text(0, 0) == copy
                    && target.text("SELECT count(*) || ' ' || count(DISTINCT seq) FROM e") == "\(events) \(events)"
            }
            func deadlocks() throws -> Int64 { Int64(try target.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") ?? "") ?? 0 }
            // As many rounds as it takes until both have met.
            for round in 0..<100 where try round < 3 || deadlocks() < 10 {
                for _ in 0..<100 {
                    let rows = (0..<5).map { _ in Int.random(in: 1...20, using: &random) }
                    try run.sql.execute("UPDATE s SET v = v + 1 WHERE id IN (\(rows.map(String.init).joined(separator: ","))); INSERT INTO e (parent) VALUES (\(rows[0])), (\(rows[1])), (\(rows[2]))")
                    events += 3
                }
                try #require(eventually(milliseconds: 120_000) { (try? isEqual()) == true }, "round \(round): \((try? target.text("SELECT count(*) || ' ' || count(DISTINCT seq) FROM e")) ?? nil) of \(events), \((try? target.text("SELECT count(*) || ' ' || sum(v) FROM s")) ?? nil), \(worker.task("mirror")) \(worker.task("append"))")
                for name in ["shop", "mirror", "append"] as [Name] { #expect(worker.task(name).state == .running, "\(name): \(worker.task(name).words)") }
            }
            #expect(try deadlocks() >= 10)
            isOver.set()
            for rival in rivals { try rival.wait() }
        }
    }
}
