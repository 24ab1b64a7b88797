import ConnectTesting
import Foundation
import Postgres
import PostgresTesting
import Testing

/// A worker whose connectors hold a password in every place that takes one, and have every kind of trouble with their server:
/// no password shows in REST, the log, `validate` or `doctor` (P10).
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN")) struct PostgresSecretsTests {
    /// Stands at both ends of every password, so that a part of one is seen as well.
    private static let mark = "S3CR3T"

    /// A place that takes a password.
    private struct Form {
        let name: String
        let settings: [String: String]
        /// Host and port, user, password: what is written where.
        let login: @Sendable (_ place: String, _ user: String, _ password: String) -> [String: String]
        var isSink: Bool { settings["topics"] != nil }
    }

    private enum Trouble: String, CaseIterable { case none, wrong, nowhere, lacking }

    private static func url(_ scheme: String) -> @Sendable (String, String, String) -> [String: String] {
        { ["connection.url": "\(scheme)://\($1):\(URLText.encode($2))@\($0)"] }
    }
    private static func query(_ scheme: String) -> @Sendable (String, String, String) -> [String: String] {
        { ["connection.url": "\(scheme)://\($0)?user=\($1)&password=\(URLText.encode($2))"] }
    }
    private static func keys(_ scheme: String, user: String = "connection.user") -> @Sendable (String, String, String) -> [String: String] {
        { ["connection.url": "\(scheme)://\($0)", user: $1, "connection.password": $2] }
    }

    private static let forms: [Form] = {
        let source = ["connector.class": "PostgresSource"], sink = ["connector.class": "PostgresSink", "topics": "in", "pk.mode": "record_value", "pk.fields": "id"]
        let jdbcSource = ["connector.class": "JdbcSourceConnector", "mode": "incrementing", "incrementing.column.name": "id", "poll.interval.ms": "50"]
        let jdbcSink = sink.merging(["connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "insert.mode": "upsert", "retry.backoff.ms": "50"]) { $1 }
        let debeziumSink = [
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "topics": "in", "primary.key.mode": "record_value", "primary.key.fields": "id", "insert.mode": "upsert",
            "flush.retry.delay.ms": "50",
        ]
        return [
            Form(name: "source-url", settings: source, login: url("postgresql")),
            Form(name: "source-query", settings: source, login: query("postgres")),
            Form(name: "source-key", settings: source, login: keys("postgresql")),
            Form(name: "jdbc-source-url", settings: jdbcSource, login: url("jdbc:postgresql")),
            Form(name: "jdbc-source-query", settings: jdbcSource, login: query("jdbc:postgresql")),
            Form(name: "jdbc-source-key", settings: jdbcSource, login: keys("jdbc:postgresql")),
            Form(name: "debezium-source", settings: ["connector.class": "io.debezium.connector.postgresql.PostgresConnector"]) { place, user, password in
                let parts = place.split { $0 == ":" || $0 == "/" }.map(String.init)
                return ["database.hostname": parts[0], "database.port": parts[1], "database.dbname": parts[2], "database.user": user, "database.password": password]
            },
            Form(name: "sink-url", settings: sink, login: url("postgresql")),
            Form(name: "sink-query", settings: sink, login: query("jdbc:postgresql")),
            Form(name: "sink-key", settings: sink, login: keys("postgresql")),
            Form(name: "jdbc-sink-url", settings: jdbcSink, login: url("postgresql")),
            Form(name: "jdbc-sink-query", settings: jdbcSink, login: query("jdbc:postgresql")),
            Form(name: "debezium-sink", settings: debeziumSink, login: keys("jdbc:postgresql", user: "connection.username")),
        ]
    }()

    /// A database where each form has a role with a password of its own.
    private struct Shop {
        let server: PostgresServer
        let database: String

        init() throws {
            server = try PostgresServer()
            database = try server.makeDatabase()
            let sql = try server.connect(database)
            defer { sql.close() }
            try sql.execute("CREATE TABLE items (id bigserial PRIMARY KEY, v text); INSERT INTO items (v) VALUES ('a')")
            for (number, form) in forms.enumerated() {
                try sql.execute("CREATE ROLE \(role(number)) LOGIN SUPERUSER PASSWORD \(Quoting.literal(password(number)))")
                if form.isSink { try sql.execute("CREATE TABLE \(table(number)) (id bigint PRIMARY KEY, v text)") }
            }
        }

        func role(_ number: Int) -> String { "role\(number)" }
        func table(_ number: Int) -> String { "copy\(number)" }
        /// With everything in it that ends a part of a URL.
        func password(_ number: Int) -> String { "\(mark)\(number)/:@?&#;=%'\"\\ \(mark)" }

        func connectors() -> [String: [String: String]] {
            var all: [String: [String: String]] = [:]
            for (number, form) in forms.enumerated() {
                for trouble in Trouble.allCases {
                    let place = "127.0.0.1:\(trouble == .nowhere ? 1 : server.port)/\(database)"
                    let password = trouble == .wrong ? password(number) + "w" : password(number)
                    var settings = form.settings.merging(form.login(place, role(number), password)) { $1 }
                    let name = "\(form.name)-\(trouble.rawValue)"
                    if form.isSink {
                        let isDebezium = form.settings["primary.key.mode"] != nil
                        settings[isDebezium ? "collection.name.format" : "table.name.format"] = trouble == .lacking ? "nothing" : table(number)
                        if !isDebezium { settings["auto.create"] = "false" }
                    } else {
                        settings["topic.prefix"] = name
                        settings["table.include.list"] = trouble == .lacking ? "public.nothing" : "public.items"
                    }
                    all[name] = settings
                }
            }
            return all
        }
    }

    /// Texts that somebody could read, and whether a password stands in one.
    private struct Shown {
        private(set) var texts: [String] = []
        mutating func add(_ text: String) { texts.append(text) }
        mutating func add(_ finished: ChildProcess.Finished) { texts += [finished.output, finished.errors] }

        func check() {
            for text in texts {
                if let place = text.range(of: mark) {
                    Issue.record("a secret shows: …\(text[..<place.lowerBound].suffix(600))>>>\(text[place.lowerBound...].prefix(60))")
                }
            }
        }
    }

    @Test func noneShowsWhateverTheTrouble() async throws {
        try await onThread {
            let shop = try Shop(), folder = try TemporaryFolder(), connectors = shop.connectors()
            var shown = Shown()
            let path = folder.file("connectors.json")
            try JSONSerialization.data(withJSONObject: ["connectors": connectors, "worker": ["webhook.enabled": "true", "webhook.topics": "in", "webhook.token": "\(Self.mark)-of-the-door"]], options: [.sortedKeys])
                .write(to: URL(filePath: path))
            for command in [["validate"], ["validate", "--connect", "--json"], ["doctor"], ["doctor", "--json"]] { shown.add(try ChildProcess.run(command + [path], in: folder.path, seconds: 120)) }

            let worker = try Worker([path, "--log-level", "trace"], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try worker.waitUntilReady()
            let posted = try HTTPAnswer.of(
                "POST", "/topics/in", body: #"{"records":[{"value":{"id":1,"v":"a"}}]}"#, port: worker.port, contentType: "application/vnd.kafka.json.v2+json",
                headers: ["Authorization: Bearer \(Self.mark)-of-the-door"])
            #expect(posted.status == 200, "\(posted.body)")
            try waitForTroubles(worker, connectors.keys.sorted())
            try look(worker, connectors, &shown)

            try shop.server.stop("immediate")
            try waitForLoss(worker, connectors.keys.filter { $0.hasSuffix("-none") }.sorted())
            try look(worker, connectors, &shown)
            for command in [["validate", "--connect"], ["doctor"]] { shown.add(try ChildProcess.run(command + [path], in: folder.path, seconds: 120)) }
            try worker.stop()
            shown.add(worker.process.errors)
            shown.add(worker.process.output)
            shown.check()
            // It was looked where passwords could have been.
            for words in ["[hidden]", "password authentication failed", "public.nothing", "no table nothing", "refused", "role\(Self.forms.count - 1)"] {
                #expect(shown.texts.contains { $0.contains(words) }, "nothing says \(words)")
            }
        }
    }

    /// Passwords that nobody encoded, where a URL then means something else, and URLs that are none.
    private static let malformed = [
        "postgresql://u:\(mark)?\(mark)@h/d", "postgresql://u:12?\(mark)@h/d", "postgresql://u:12/\(mark)@h/d", "postgresql:u:\(mark)@h/d",
        "postgresql:/u:\(mark)@h/d", "//u:\(mark)@h/d", "u:\(mark)@h/d", "mysql://u:\(mark)@h/d", "jdbc:oracle:thin:u/\(mark)@//h:1521/d", "postgresql://u:\(mark)%@h/d",
        "postgresql://h/d?password=\(mark)&\(mark)", "postgresql://h/d?pass%77ord=\(mark)&nonsense=1", "postgresql://h/d?password=\(mark)#\(mark);\(mark)&nonsense=1",
        "postgresql://h:\(mark)", "postgresql://h/d?password=\(mark)%",
    ]

    @Test func noneShowsWhenTheURLIsMalformed() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), path = folder.file("connectors.json")
            var shown = Shown(), connectors: [String: [String: String]] = [:]
            let worker = try Worker(["--log-level", "trace"], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try worker.waitUntilReady()
            for (number, text) in Self.malformed.enumerated() {
                for name in ["PostgresSource", "PostgresSink", "JdbcSourceConnector", "JdbcSinkConnector", "io.debezium.connector.jdbc.JdbcSinkConnector"] {
                    var settings = ["connector.class": name, "connection.url": text]
                    settings[name.contains("Sink") ? "topics" : "topic.prefix"] = "t"
                    connectors["\(name)-\(number)"] = settings
                    let body = String(decoding: try JSONSerialization.data(withJSONObject: settings), as: UTF8.self)
                    let validated = try worker.request("PUT", "/connector-plugins/\(name)/config/validate", body: body)
                    #expect(validated.body.contains("connection.url") && !validated.body.contains("\"error_count\":0"), "\(text) passes")
                    shown.add(validated.body)
                    let put = try worker.request("PUT", "/connectors/c/config", body: body)
                    #expect(put.status == 400, "\(text) is taken")
                    shown.add(put.body)
                }
            }
            try worker.stop()
            shown.add(worker.process.errors)
            try JSONSerialization.data(withJSONObject: ["connectors": connectors], options: [.sortedKeys]).write(to: URL(filePath: path))
            for command in [["validate"], ["validate", "--connect", "--json"], ["doctor"], ["standalone", "--data-dir", folder.file("data")]] {
                let finished = try ChildProcess.run(command + [path], in: folder.path)
                #expect(finished.ending == .exit(2), "\(command): \(finished.output)")
                shown.add(finished)
            }
            shown.check()
        }
    }

    /// Every connector of the first three kinds has failed, or said what it waits for; those without trouble work.
    private func waitForTroubles(_ worker: Worker, _ names: [String]) throws {
        var missing: [String] = []
        let all = try eventually(within: 120) { () -> Bool? in
            missing = try names.filter { name in
                let states = try worker.taskStates(name)
                if name.hasSuffix("-none") { return states.first?.state != "RUNNING" }
                if name.hasSuffix("-nowhere") { return try states.first?.state != "UNASSIGNED" || !Self.isInTrouble(worker, name) }
                return states.first?.state != "FAILED"
            }
            return missing.isEmpty ? true : nil
        }
        #expect(all == true, "not where they should be: \(missing) \(worker.process.errors.suffix(3000))")
    }

    private func waitForLoss(_ worker: Worker, _ names: [String]) throws {
        var missing: [String] = []
        let all = try eventually(within: 120) { () -> Bool? in
            missing = try names.filter { try !$0.contains("sink") && !Self.isInTrouble(worker, $0) }
            return missing.isEmpty ? true : nil
        }
        #expect(all == true, "the loss is not said: \(missing)")
    }

    private static func isInTrouble(_ worker: Worker, _ name: String) throws -> Bool {
        try worker.request("GET", "/_connectd/connectors/\(name)").body.contains("connection to server at")
    }

    private func look(_ worker: Worker, _ connectors: [String: [String: String]], _ shown: inout Shown) throws {
        for (name, settings) in connectors {
            for part in ["", "/config", "/status", "/tasks", "/tasks/0/status", "/offsets", "/topics"] { shown.add(try worker.request("GET", "/connectors/\(name)\(part)").body) }
            shown.add(try worker.request("GET", "/_connectd/connectors/\(name)").body)
            let body = String(decoding: try JSONSerialization.data(withJSONObject: settings), as: UTF8.self)
            shown.add(try worker.request("PUT", "/connector-plugins/\(settings["connector.class"] ?? "")/config/validate", body: body).body)
        }
        for path in ["/connectors?expand=info&expand=status", "/_connectd/connectors", "/health"] { shown.add(try worker.request("GET", path).body) }
    }
}
