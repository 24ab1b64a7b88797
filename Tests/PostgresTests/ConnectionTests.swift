import ConnectTesting
import Glibc
import Postgres
import PostgresTesting
import Testing

/// Against a real server.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN")) struct ConnectionTests {
    @Test func runsStatements() async throws {
        try await onThread {
            let connection = try PostgresServer.shared().connect()
            defer { connection.close() }
            let result = try connection.query("SELECT $1::text, $2::bigint, NULL, $3::text[]", [.text("é'\"\\"), .int64(-5), .textArray(["a\"b", "c\\,"])])
            #expect(result.text(0, 0) == "é'\"\\")
            #expect(result.integer(0, 1) == -5)
            #expect(result.isNull(0, 2))
            #expect(result.text(0, 3) == "{\"a\\\"b\",\"c\\\\,\"}")
            try connection.prepare("twice", "SELECT $1::int * 2")
            #expect(try connection.executePrepared("twice", [.text("21")]).integer(0, 0) == 42)
            #expect(try connection.execute("SELECT 1; SELECT current_setting('TimeZone')").text(0, 0) == "UTC")
            #expect(throws: PostgresError.self) { try connection.query("SELECT $1::text", [.text("a\0b")]) }
            #expect(try connection.execute("SELECT 1").rowCount == 1)
        }
    }

    @Test func tellsErrorsApart() async throws {
        try await onThread {
            let server = try PostgresServer.shared()
            let connection = try server.connect()
            defer { connection.close() }
            try connection.execute("CREATE TEMP TABLE t (id int CONSTRAINT positive CHECK (id > 0))")
            let broken = #expect(throws: PostgresError.self) { try connection.execute("INSERT INTO t VALUES (-1)") }
            #expect(broken?.constraint == "positive")
            #expect(broken?.blamesData == true)
            #expect(broken?.family == .permanent)
            try connection.execute("SET statement_timeout = '1ms'")
            #expect(throws: PostgresError.self) { try connection.execute("SELECT pg_sleep(10)") }
            try connection.execute("SET statement_timeout = 0")
            let other = try server.connect()
            try other.execute("SELECT pg_terminate_backend(\(connection.backendProcess))")
            let gone = #expect(throws: PostgresError.self) {
                for _ in 0..<1000 { try connection.execute("SELECT pg_sleep(0.01)") }
            }
            #expect(gone?.family == .connection)
            #expect(!connection.isOpen)
        }
    }

    @Test func quotesAsTheServerReads() async throws {
        try await onThread {
            let connection = try PostgresServer.shared().connect()
            defer { connection.close() }
            for text in ["", "'", "\\", "a'b\\'c", "\\' OR 1=1 --", "\n\r\t", "$$", "é\u{301}", "\u{1F600}", "E'x'", "\"; DROP TABLE x; --"] {
                #expect(try connection.execute("SELECT \(Quoting.literal(text))").text(0, 0) == text)
                if !text.isEmpty, text.utf8.count < 60 {
                    #expect(try connection.execute("SELECT 1 AS \(Quoting.identifier(text))").columnName(0) == text)
                }
            }
        }
    }

    @Test func pipelines() async throws {
        try await onThread {
            let connection = try PostgresServer.shared().connect()
            defer { connection.close() }
            try connection.execute("CREATE TEMP TABLE t (id int PRIMARY KEY)")
            let results = try connection.pipeline((1...200).map { .sql("INSERT INTO t VALUES ($1)", [.text(String($0))]) } + [.sql("SELECT count(*) FROM t")])
            #expect(results.last?.integer(0, 0) == 200)
            let failure = #expect(throws: PipelineError.self) {
                try connection.pipeline([.sql("INSERT INTO t VALUES (201)"), .sql("INSERT INTO t VALUES (1)"), .sql("INSERT INTO t VALUES (202)")])
            }
            #expect(failure?.index == 1)
            #expect(failure?.error.sqlState == "23505")
            #expect(try connection.execute("SELECT count(*) FROM t").integer(0, 0) == 200)
        }
    }

    @Test func aCopyGoesOnWhileOtherThingsAreDone() async throws {
        try await onThread {
            let connection = try PostgresServer.shared().connect()
            defer { connection.close() }
            var copied: [UInt8] = []
            let all = (1...100_000).map { "\($0)\n" }.joined()
            let sql = "COPY (SELECT generate_series(1, 100000)) TO STDOUT"
            // What has come is handed over without a wait, the rest where it is waited for.
            try connection.sendCopyOut(sql) { copied.append(contentsOf: $0) }
            var looks = 0
            while copied.isEmpty, looks < 10_000 {
                looks += 1
                usleep(1000)
                try connection.takeCopied(waits: false)
            }
            #expect(!copied.isEmpty && all.utf8.starts(with: copied))
            try connection.takeCopied(waits: true)
            #expect(copied == Array(all.utf8))
            try connection.takeCopied(waits: true)
            // A statement waits for it, and so does another COPY.
            for next in ["SELECT 7", sql] {
                copied = []
                try connection.sendCopyOut(sql) { copied.append(contentsOf: $0) }
                if next == sql { try connection.sendCopyOut(next) { _ in } } else { #expect(try connection.execute(next).integer(0, 0) == 7) }
                #expect(copied == Array(all.utf8))
            }
            try connection.takeCopied(waits: true)
            // One that is refused, or fails on its way, is told once; the session goes on.
            for wrong in ["COPY nothing TO STDOUT", "COPY (SELECT 1 / (100 - i) FROM generate_series(1, 1000) i) TO STDOUT", "SELECT 1"] {
                try connection.sendCopyOut(wrong) { _ in }
                #expect(throws: PostgresError.self) { try connection.takeCopied(waits: true) }
                if wrong != "SELECT 1" { #expect(try connection.execute("SELECT 8").integer(0, 0) == 8) }
            }
        }
    }

    @Test func copiesBothWays() async throws {
        try await onThread {
            let connection = try PostgresServer.shared().connect()
            defer { connection.close() }
            try connection.execute("CREATE TEMP TABLE t (id int, x text)")
            try connection.beginCopyIn("COPY t FROM STDIN")
            let rows = (0..<50_000).map { "\($0)\tsome text of row \($0)\n" }.joined()
            try connection.putCopy(Array(rows.utf8))
            #expect(try connection.endCopyIn() == 50_000)
            try connection.beginCopyOut("COPY (SELECT id, x FROM t ORDER BY id) TO STDOUT")
            var copied: [UInt8] = []
            while try connection.nextCopyRow({ copied.append(contentsOf: $0) }) {}
            #expect(copied.elementsEqual(rows.utf8))
            try connection.beginCopyIn("COPY t FROM STDIN")
            try connection.failCopyIn("a reason")
            #expect(throws: PostgresError.self) { try connection.beginCopyOut("COPY nothing TO STDOUT") }
            #expect(try connection.execute("SELECT count(*) FROM t").integer(0, 0) == 50_000)
        }
    }

    @Test func hearsNotifications() async throws {
        try await onThread {
            let server = try PostgresServer.shared()
            let connection = try server.connect(), other = try server.connect()
            try connection.execute("LISTEN \"a b\"")
            #expect(try connection.waitForNotification(milliseconds: 1) == .timedOut)
            try other.execute("NOTIFY \"a b\", 'x'")
            #expect(try connection.waitForNotification(milliseconds: 10_000) == .notified)
            #expect(try connection.takeNotifications().first?.payload == "x")
        }
    }

    @Test func anInterruptionEndsAWaitAndClosesAStatement() async throws {
        try await onThread {
            let server = try PostgresServer.shared()
            var ends: [Int32] = [0, 0]
            pipe(&ends)
            defer {
                Glibc.close(ends[0])
                Glibc.close(ends[1])
            }
            let connection = try server.connect()
            connection.interruption = Connection.Interruption(descriptor: ends[0], graceMilliseconds: 50)
            var byte: UInt8 = 1
            write(ends[1], &byte, 1)
            #expect(try connection.waitForNotification(milliseconds: 60_000) == .interrupted)
            #expect(try connection.execute("SELECT 1").rowCount == 1)
            let stopped = #expect(throws: PostgresError.self) { try connection.execute("SELECT pg_sleep(60)") }
            #expect(stopped?.family == .interrupted)
            #expect(!connection.isOpen)
        }
    }

    @Test(arguments: ["p@s%s'w\"o\\r$d{x", "two\nlines", "${env:X}", "100%"])
    func aPasswordOfAnyShapeWorksAndNeverShows(password: String) async throws {
        try await onThread {
            let server = try PostgresServer.shared()
            let admin = try server.connect()
            let user = "user_\(abs(password.hashValue))"
            try admin.execute("CREATE ROLE \(user) LOGIN PASSWORD \(Quoting.literal(password))")
            var parameters = ConnectionParameters([
                ("host", "127.0.0.1"), ("port", String(server.port)), ("dbname", "postgres"), ("user", user), ("password", password),
            ])
            let connection = try Connection.open(parameters)
            #expect(try connection.execute("SELECT current_user").text(0, 0) == user)
            // A message that repeats the password comes back without it.
            let echoed = #expect(throws: PostgresError.self) { try connection.execute("DO $x$ BEGIN RAISE EXCEPTION '%', \(Quoting.literal("<" + password + ">")); END $x$") }
            #expect(echoed?.message == "<[hidden]>")
            parameters["password"] = password + "x"
            let refused = #expect(throws: PostgresError.self) { try Connection.open(parameters) }
            #expect(refused?.family == .authentication)
            #expect(!String(describing: refused).contains(password))
            parameters["port"] = password + "x"
            let wrong = #expect(throws: PostgresError.self) { try Connection.open(parameters) }
            #expect(!String(describing: wrong).contains(password))
        }
    }

    @Test func aServerThatIsAwayIsAConnectionError() {
        let error = #expect(throws: PostgresError.self) { try Connection.open(ConnectionParameters(url: "postgresql://u:SECRET@127.0.0.1:1/d")) }
        #expect(error?.family == .connection)
        #expect(error.map { String(describing: $0).contains("SECRET") } == false)
    }
}
