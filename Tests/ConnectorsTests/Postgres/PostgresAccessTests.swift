import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Testing

/// A worker whose source and sink lose their way to the server while they run: no connection to be had, another password. They say so, and go on without loss or doubles.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresAccessTests {
    /// A source and a sink that log in as a role of their own, each joined to one that does not and goes on.
    private final class Shop {
        let server: PostgresServer
        let source: PostgresRun
        let target: PostgresTarget
        let worker: HerderRun
        let role: String
        var rows = 0
        static let suspects: [Name] = ["source-of-app", "sink-of-app"]

        init(_ server: PostgresServer) throws {
            self.server = server
            source = try PostgresRun(server)
            target = try PostgresTarget(server)
            role = "app_\(source.database)"
            worker = try HerderRun()
            try source.sql.execute("CREATE ROLE \(role) LOGIN PASSWORD 'first'")
            for sql in [source.sql, target.sql] { try sql.execute("GRANT CREATE ON DATABASE \(sql === source.sql ? source.database : target.database) TO \(role); GRANT ALL ON SCHEMA public TO \(role)") }
            for name in ["a", "b"] { try source.sql.execute("CREATE TABLE \(name) (id bigserial PRIMARY KEY); ALTER TABLE \(name) OWNER TO \(role); INSERT INTO \(name) DEFAULT VALUES") }
            rows = 1
            try put(password: "first")
            for name in ["free-source", "source-of-app"] as [Name] { if !worker.hasRead(tables: 1, name) { throw ServerProblem("\(name): \(worker.task(name))") } }
        }

        /// Everything is appended: what came twice would be there twice.
        func put(password: String) throws {
            func port(_ database: String) -> [(Name, String)] {
                [("connection.url", "postgresql://127.0.0.1:\(server.port)/\(database)"), ("connection.user", role), ("connection.password", password)]
            }
            let append: [(Name, String)] = [("connector.class", "PostgresSink"), ("insert.mode", "insert"), ("pk.mode", "none"), ("delete.enabled", "false")]
            let tail: [(Name, String)] = [("connector.class", "PostgresSource"), ("topic.prefix", "t"), ("poll.interval.ms", "50")]
            let connectors: [(Name, [(Name, String)])] = [
                ("free-source", tail + [("connection.url", server.url(source.database)), ("table.include.list", "public.a"), ("mode", "fence")]),
                ("source-of-app", tail + port(source.database) + [("table.include.list", "public.b")]),
                ("sink-of-app", append + port(target.database) + [("topics", "t.public.a"), ("eos.schema", "app")]),
                ("free-sink", append + [("connection.url", server.url(target.database)), ("topics", "t.public.b")]),
            ]
            for (name, settings) in connectors {
                var map = ConfigMap([:])
                for (key, value) in settings { map[key] = .some(value) }
                _ = try worker.herder.put(name, map, initialState: nil, replacing: true)
            }
        }

        func insert(_ count: Int) throws {
            for name in ["a", "b"] { try source.sql.execute("INSERT INTO \(name) SELECT FROM generate_series(1, \(count))") }
            rows += count
        }

        /// Ends all sessions of the role.
        func cut() throws { try source.sql.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '\(role)'") }

        var words: String { (Self.suspects + ["free-source", "free-sink"]).map { "\($0): \(worker.task($0))" }.joined(separator: "; ") }

        func arrives() -> Bool {
            eventually(milliseconds: 120_000) {
                ["a", "b"].allSatisfy { name in (try? self.target.text("SELECT count(*) || ' ' || count(DISTINCT id) FROM \(name)")) == "\(self.rows) \(self.rows)" }
            }
        }

        func stop() throws {
            worker.stop()
            try source.sql.execute("DROP OWNED BY \(role) CASCADE")
            try target.sql.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    @Test(arguments: ["role", "server"]) func whereNoConnectionIsFreeItIsTriedUntilOneIs(limit: String) async throws {
        try await onThread {
            let server = limit == "role" ? try PostgresServer.shared() : try PostgresServer(.init(settings: ["max_connections = 12", "superuser_reserved_connections = 6", "max_wal_senders = 0"]))
            let shop = try Shop(server)
            try #require(shop.arrives(), "\(shop.words)")
            var others: [Connection] = []
            if limit == "role" {
                try shop.source.sql.execute("ALTER ROLE \(shop.role) CONNECTION LIMIT 0")
                try shop.cut()
            } else {
                try shop.source.sql.execute("CREATE ROLE other LOGIN")
            }
            // Whoever is quicker has the place, and a session that is still being greeted shows nowhere: those of the role are cut until none is left for it.
            func takePlaces() {
                try? shop.cut()
                while let other = try? Connection.open(ConnectionParameters(url: server.url("postgres", user: "other"))) { others.append(other) }
            }
            if limit == "server" { takePlaces() }
            try shop.insert(10)
            for name in Shop.suspects {
                func isSaid(within milliseconds: Int) -> Bool {
                    eventually(milliseconds: milliseconds) {
                        let (state, words) = shop.worker.task(name)
                        return state == .running && ["too many connections for role", "connection slots are reserved", "too many clients"].contains { words.contains($0) } && words.contains("(try ")
                    }
                }
                var isTold = isSaid(within: limit == "server" ? 10_000 : 120_000)
                for _ in 0..<20 where !isTold && limit == "server" {
                    // It was quicker: once more, with something to do.
                    takePlaces()
                    try shop.insert(1)
                    isTold = isSaid(within: 10_000)
                }
                #expect(isTold, "\(name): \(shop.worker.task(name))")
            }
            if limit == "role" { try shop.source.sql.execute("ALTER ROLE \(shop.role) CONNECTION LIMIT -1") }
            for other in others { other.close() }
            #expect(shop.arrives(), "\(shop.words)")
            try shop.insert(1)
            #expect(shop.arrives(), "\(shop.words)")
            try shop.stop()
        }
    }

    /// Another password: the tasks fail and say where it is set. The old one back and a restart, or the new one in the configuration, and they go on.
    @Test(arguments: ["back", "configured"]) func aPasswordThatChangesMeanwhile(way: String) async throws {
        try await onThread {
            let shop = try Shop(.shared())
            try #require(shop.arrives(), "\(shop.words)")
            for round in 0..<2 {
                // A password alone disturbs no session that is there.
                try shop.source.sql.execute("ALTER ROLE \(shop.role) PASSWORD 'next\(round)'")
                try shop.insert(3)
                #expect(shop.arrives(), "\(shop.words)")
                try shop.cut()
                try shop.insert(3)
                for name in Shop.suspects {
                    #expect(eventually(milliseconds: 120_000) { shop.worker.task(name).state == .failed }, "\(name): \(shop.worker.task(name))")
                    let words = shop.worker.task(name).words
                    #expect(words.contains(".refused") && words.contains("password authentication failed") && words.contains("check connection.url, connection.user and connection.password"), "\(words)")
                    #expect(!words.contains("first") && !words.contains("next"), "\(words)")
                }
                if way == "back" {
                    try shop.source.sql.execute("ALTER ROLE \(shop.role) PASSWORD 'first'")
                    for name in Shop.suspects { try shop.worker.herder.restartTask(name, task: 0) }
                } else {
                    try shop.put(password: "next\(round)")
                }
                #expect(shop.arrives(), "\(shop.words)")
                for name in Shop.suspects { #expect(shop.worker.task(name).state == .running) }
            }
            try shop.stop()
        }
    }
}
