import ConnectRuntime
import ConnectTesting
@preconcurrency import Connectors
import Postgres
import PostgresTesting
import Synchronization
import Testing

/// Servers that restart, refuse, lock, and secrets that nobody must see.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSinkFailureTests {
    static func topic(_ records: [Record], _ name: Name = "t") -> TestTopic { PostgresSinkTests.topic(records, name) }

    /// Offers a batch until it passes, as the runner does; returns the errors on the way.
    @discardableResult
    static func put(_ run: PostgresSinkRun, _ batch: RecordBatch, between: () throws -> Void = {}) throws -> [ConnectError] {
        var errors: [ConnectError] = []
        for _ in 0..<200 {
            do {
                try run.task.put(batch)
                return errors
            } catch let error as ConnectError where error.kind == .retriable {
                errors.append(error)
                try between()
            }
        }
        throw ServerProblem("it never passes: \(errors.last.map { "\($0)" } ?? "")")
    }

    /// Each message of one batch in turn: before the server has it, and after it has it and the answer is lost.
    @Test(arguments: [3, 600]) func everyMessageCanBeTheLast(count: Int) async throws {
        try await onThread {
            let target = try PostgresTarget(), proxy = try target.proxy()
            defer { proxy.stop() }
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text)")
            var number: Int64 = 0
            for isAfter in [false, true] {
                // A warm session: the messages of one batch, then those of connecting again.
                for message in 1..<60 {
                    let name = Name("t\(message)\(isAfter)")
                    let topic = Self.topic([], name)
                    for _ in 0..<(count + 1) {
                        topic.records.append(PostgresSinkTests.flat(number, number))
                        number += 1
                    }
                    let run = PostgresSinkRun(target.url(through: proxy), ["insert.mode": "insert", "table.name.format": "t"])
                    try run.start()
                    defer { run.task.stop() }
                    _ = try run.task.open([topic.assigned])
                    try run.task.put(topic.batch(from: 0, count: 1))
                    proxy.cut(isAfter ? .after(message) : .before(message))
                    let errors = try Self.put(run, topic.batch(from: 1, count: count))
                    if !proxy.hasCut {
                        // The batch has fewer messages than that.
                        #expect(errors.isEmpty && message > 8)
                        // Else it might strike the next round's connection, if that is quicker than this one's farewell.
                        proxy.cut(nil)
                        break
                    }
                    #expect(errors.count <= 3)
                }
            }
            #expect(try target.text("SELECT count(*) || ' ' || coalesce(sum(v), 0) FROM t") == "\(number) \(number * (number - 1) / 2)")
        }
    }

    @Test(arguments: ["fast", "immediate"]) func aServerThatRestartsIsWaitedFor(mode: String) async throws {
        try await onThread {
            let server = try PostgresServer(.init(isDurable: true))
            let target = try PostgresTarget(server)
            let topic = Self.topic((0..<900).map { PostgresSinkTests.flat($0, $0) })
            let run = PostgresSinkRun(target.url)
            try run.start()
            _ = try run.task.open([topic.assigned])
            try run.task.put(topic.batch(from: 0, count: 100))
            run.task.fault = { step in
                guard step == "commit" else { return }
                run.task.fault = nil
                try server.stop(mode)
            }
            let errors = try Self.put(run, topic.batch(from: 100, count: 800)) {
                if (try? server.run("pg_ctl", ["-D", "\(server.folder)/data", "status"])) == nil { try server.start() }
            }
            #expect(!errors.isEmpty)
            run.task.stop()
            let again = try server.connect(target.database)
            #expect(try again.execute("SELECT count(*) || ' ' || sum(v) FROM t").text(0, 0) == "900 404550")
            again.close()
            target.sql.close()
            try server.stop()
        }
    }

    @Test func aSessionThatIsKilledIsReplaced() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic((0..<10).map { PostgresSinkTests.flat($0, $0) })
            let run = PostgresSinkRun(target.url)
            try run.start()
            _ = try run.task.open([topic.assigned])
            for offset in 0..<10 as Range<Int64> {
                try target.sql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                try Self.put(run, topic.batch(from: offset, count: 1))
            }
            run.task.stop()
            #expect(try target.text("SELECT count(*) FROM t") == "10")
        }
    }

    @Test func deadlocksAndConflictsAreTriedAgainInsideTheTask() async throws {
        let target = try await onThread { try Shared(PostgresTarget()) }
        try await onThread {
            try target.value.sql.execute(
                """
                CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text); CREATE TABLE other (n int); INSERT INTO other VALUES (0);
                CREATE TABLE failures (n int); CREATE SEQUENCE tries;
                CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                  IF nextval('tries') <= 2 THEN RAISE 'as another transaction would' USING ERRCODE = CASE currval('tries') WHEN 1 THEN '40P01' ELSE '40001' END; END IF; RETURN NEW; END $$;
                CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()
                """)
            let run = PostgresSinkRun(target.value.url)
            try run.write(Self.topic([PostgresSinkTests.flat(1, 1)]))
            #expect(try target.value.content == "1:1")
            #expect(run.context.metrics.retries.value == 2)
        }
    }

    struct Shared: @unchecked Sendable {
        // Handed from one thread to the next, never used on two at a time.
        let value: PostgresTarget
        init(_ value: PostgresTarget) { self.value = value }
    }

    @Test func aLockThatSomebodyHoldsIsWaitedForInTurns() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic([PostgresSinkTests.flat(1, 1), PostgresSinkTests.flat(1, 2)])
            let run = PostgresSinkRun(target.url, ["lock.timeout.ms": "100"])
            try run.start()
            _ = try run.task.open([topic.assigned])
            try run.task.put(topic.batch(from: 0, count: 1))
            try target.sql.execute("BEGIN; UPDATE t SET v = 7")
            let error = #expect(throws: ConnectError.self) { try run.task.put(topic.batch(from: 1, count: 1)) }
            #expect(error?.kind == .retriable)
            try target.sql.execute("COMMIT")
            try run.task.put(topic.batch(from: 1, count: 1))
            run.task.stop()
            #expect(try target.content == "1:2")
        }
    }

    static let password = "p@ss%w'ord\"\\${x}$\n{end"

    @Test func noPasswordShowsAndOneWithEverythingInItWorks() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let role = "role_\(target.database)"
            try target.sql.execute("CREATE ROLE \(role) LOGIN PASSWORD \(Quoting.literal(Self.password)); GRANT ALL ON DATABASE \(target.database) TO \(role); GRANT ALL ON SCHEMA public TO \(role)")
            let url = "postgresql://127.0.0.1:\(target.server.port)/\(target.database)"
            let run = PostgresSinkRun(url, ["connection.user": role, "connection.password": Self.password])
            try run.write(Self.topic([PostgresSinkTests.flat(1, 1)]))
            #expect(try target.content == "1:1")
            try target.sql.execute("ALTER ROLE \(role) PASSWORD 'another'")
            var texts = run.context.log.all
            let changed = PostgresSinkRun(url, ["connection.user": role, "connection.password": Self.password])
            let error = #expect(throws: ConnectError.self) { try changed.start() }
            #expect(error?.code == "postgres.sink.refused" && error?.kind == .fatal)
            texts += [error.map { "\($0)" } ?? ""] + changed.context.log.all
            let inURL = PostgresSinkRun("postgresql://\(role):\(URLText.encode(Self.password))@127.0.0.1:\(target.server.port)/\(target.database)")
            let other = #expect(throws: ConnectError.self) { try inURL.start() }
            texts += [other.map { "\($0)" } ?? ""] + inURL.context.log.all
            // A table that refuses with the password's text in a value: what it is about is shown, not what was put in.
            for found in try Self.found(["connection.url": url, "connection.user": role, "connection.password": Self.password]) { texts.append("\(found)") }
            for text in texts {
                for part in [Self.password, "p@ss", "{end", URLText.encode(Self.password)] { #expect(!text.contains(part), "\(text)") }
            }
            let activity = try target.text("SELECT string_agg(query, ' ') FROM pg_stat_activity") ?? ""
            #expect(!activity.contains("p@ss"))
            try target.sql.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    // MARK: looking before it starts

    static func found(_ entries: KeyValuePairs<Name, String>) throws -> [CheckFinding] {
        var map = ConfigMap(["topics": "t"])
        for (name, value) in entries { map[name] = .some(value) }
        return try Checks.findings("PostgresSink", map, kind: .sink)
    }

    @Test func validateSaysWhatIsMissing() async throws {
        try await onThread {
            let target = try PostgresTarget()
            #expect(try Self.found(["connection.url": target.url]).codes == [])
            let nowhere = try Self.found(["connection.url": target.server.url("nowhere")])
            #expect(nowhere.codes == ["postgres.sink.refused"] && nowhere.allSatisfy { $0.cause == .refused })
            let down = try Self.found(["connection.url": "postgresql://127.0.0.1:1/x"])
            #expect(down.codes == ["postgres.sink.connection"] && down.allSatisfy { $0.cause == .unreachable })
            #expect(try Self.found(["connection.url": target.url, "table.name.format": "t", "auto.create": "false"]).codes == ["postgres.sink.no_table"])
            let role = "role_\(target.database)"
            try target.sql.execute("CREATE ROLE \(role) LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE TABLE t (id bigint PRIMARY KEY)")
            let url = target.server.url(target.database, user: role)
            let missing = try Self.found(["connection.url": url, "table.name.format": "t"]).troubles
            #expect(missing.map(\.code) == ["postgres.sink.permission", "postgres.sink.permission"] && missing.allSatisfy { $0.cause == .refused })
            // What it suggests is what helps.
            for statement in missing.flatMap(\.statements) { try target.sql.execute(statement) }
            #expect(try Self.found(["connection.url": url, "table.name.format": "t"]).codes == [])
            try PostgresSinkRun(url, ["table.name.format": "t", "pk.mode": "record_value", "pk.fields": "id", "fields.whitelist": "id"]).write(Self.topic([PostgresSinkTests.flat(1, 1)]))
            #expect(try target.text("SELECT id FROM t") == "1")
            let unmade = try Self.found(["connection.url": url, "table.name.format": "u"]).troubles
            #expect(unmade.map(\.code) == ["postgres.sink.permission"])
            for statement in unmade.flatMap(\.statements) { try target.sql.execute(statement) }
            #expect(try Self.found(["connection.url": url, "table.name.format": "u"]).codes == [])
            // Positions of another's making.
            try target.sql.execute("CREATE SCHEMA other; CREATE TABLE other.sink_offset (connector text)")
            let other = try Self.found(["connection.url": url, "table.name.format": "t", "eos.schema": "other"]).troubles
            #expect(other.map(\.code) == ["postgres.sink.permission"])
            for statement in other.flatMap(\.statements) { try target.sql.execute(statement) }
            #expect(try Self.found(["connection.url": url, "table.name.format": "t", "eos.schema": "other"]).codes == [])
            try target.sql.execute("ALTER ROLE \(role) SET default_transaction_read_only = on")
            let readOnly = try Self.found(["connection.url": url, "table.name.format": "t"]).troubles
            #expect(readOnly.map(\.code) == ["postgres.sink.read_only"])
            for statement in readOnly.flatMap(\.statements) { try target.sql.execute(statement) }
            #expect(try Self.found(["connection.url": url, "table.name.format": "t"]).codes == [])
            try target.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    @Test func aRightThatIsMissingFailsWithWords() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let role = "role_\(target.database)"
            try target.sql.execute("CREATE ROLE \(role) LOGIN; CREATE SCHEMA connectd AUTHORIZATION \(role); CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text)")
            let run = PostgresSinkRun(target.server.url(target.database, user: role))
            let error = #expect(throws: ConnectError.self) { try run.write(Self.topic([PostgresSinkTests.flat(1, 1)])) }
            #expect(error?.code == "postgres.sink.permission" && error?.kind == .fatal)
            #expect(error?.suggestion?.contains("grant") == true)
            #expect(run.reporter.letters.isEmpty)
            try target.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    final class Troubles: Sendable {
        private let texts = Mutex<[String]>([])
        func add(_ text: String) { texts.withLock { $0.append(text) } }
        var all: [String] { texts.withLock { $0 } }
    }

    /// Tasks that share a topic begin at the same moment: the schema of positions, the table and its columns are made once.
    @Test func tasksThatStartTogetherMakeTheirTableOnce() async throws {
        let url = try await onThread { try PostgresTarget().url }
        let troubles = Troubles()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 as Range<Int32> {
                group.addTask {
                    try await onThread {
                        let topic = TestTopic("t", part)
                        let wide = PostgresSinkTableTests.record([
                            ("id", .plain(.int64), .int64(Int64(part) * 1000 + 900)), ("v", .plain(.int64), .int64(0)), (Name("c\(part % 2)"), .plain(.int64, optional: true), .int64(1)),
                        ])
                        topic.records = (0..<50).map { PostgresSinkTests.flat(Int64(part) * 1000 + $0, $0) } + [wide]
                        let run = PostgresSinkRun(url)
                        do {
                            try run.start()
                            _ = try run.task.open([topic.assigned])
                            for start in stride(from: 0, to: 51, by: 17) { try Self.put(run, topic.batch(from: Int64(start), count: 17)) }
                        } catch { troubles.add("\(error)") }
                        run.task.stop()
                        for letter in run.reporter.letters { troubles.add("\(letter.error)") }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(troubles.all == [])
        try await onThread {
            let sql = try Connection.open(ConnectionParameters(url: url))
            #expect(try sql.execute("SELECT count(*) || ' ' || count(c0) || ' ' || count(c1) FROM t").text(0, 0) == "204 2 2")
            sql.close()
        }
    }
}
