import ConnectTesting
import Foundation
import Postgres
import PostgresTesting
import Testing

/// `validate` looks at the systems that are named; with `--connect` they must answer, with `--offline` nobody is asked.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable)) struct ValidateConnectTests {
    private static let secret = "s3cr3t%of the shop"

    /// A file of one connector, validated.
    private func validate(_ settings: [String: String], _ options: [String], in folder: TemporaryFolder) throws -> ChildProcess.Finished {
        let connectors = ["connectors": ["shop": settings.merging(settings["topics"] == nil ? ["topic.prefix": "p"] : [:]) { own, _ in own }]]
        try JSONSerialization.data(withJSONObject: connectors, options: [.prettyPrinted, .sortedKeys]).write(to: URL(filePath: folder.file("connectors.json")))
        let finished = try ChildProcess.run(["validate", "connectors.json"] + options, in: folder.path)
        #expect(!(finished.output + finished.errors).contains(Self.secret), "\(finished.output)")
        return finished
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let settings: [String: String]
        /// Exit codes without an option, with `--connect`, with `--offline`.
        let codes: [Int32]
        let says: [String]
        var testDescription: String { name }
    }

    private func examples() throws -> [Example] {
        let server = try PostgresServer.shared(), database = try server.makeDatabase()
        let sql = try server.connect(database)
        defer { sql.close() }
        let role = "shop_\(database)"
        try sql.execute("CREATE TABLE orders (id int PRIMARY KEY); CREATE ROLE \(role) LOGIN PASSWORD 'right'")
        let source = ["connector.class": "PostgresSource", "connection.url": server.url(database)]
        let port = "postgresql://127.0.0.1:\(server.port)/\(database)"
        return [
            Example(name: "all is well", settings: source, codes: [0, 0, 0], says: []),
            Example(
                name: "a table that is not there", settings: source.merging(["table.include.list": "public.ordres"]) { $1 }, codes: [2, 2, 0],
                says: ["postgres.source.no_table", "connectors.json:6:7", "/connectors/shop/table.include.list", "did you mean public.orders?"]),
            Example(
                name: "nobody answers", settings: source.merging(["connection.url": "postgresql://127.0.0.1:1/x", "connection.password": Self.secret]) { $1 }, codes: [0, 3, 0],
                says: ["postgres.source.connection", "/connectors/shop/connection.url"]),
            Example(
                name: "a wrong password", settings: source.merging(["connection.url": port, "connection.user": role, "connection.password": Self.secret]) { $1 }, codes: [3, 3, 0],
                says: ["postgres.source.refused", "check connection.url, connection.user and connection.password"]),
            Example(
                name: "a role without rights", settings: source.merging(["connection.url": server.url(database, user: role)]) { $1 }, codes: [3, 3, 0],
                says: ["postgres.source.not_armed", "postgres.source.permission", "GRANT SELECT ON \"public\".\"orders\" TO \"\(role)\";"]),
            Example(
                name: "a sink whom nobody answers",
                settings: ["connector.class": "PostgresSink", "topics": "t", "connection.url": "postgresql://127.0.0.1:1/x", "connection.password": Self.secret], codes: [0, 3, 0],
                says: ["postgres.sink.connection"]),
        ]
    }

    @Test func eachLevelHasItsOwnSeverity() async throws {
        try await onThread {
            for example in try examples() {
                for (options, code) in zip([[], ["--connect"], ["--offline"]], example.codes) {
                    let finished = try validate(example.settings, options, in: TemporaryFolder())
                    let words = finished.output + finished.errors
                    #expect(finished.ending == .exit(code), "\(example.name) \(options): \(words)")
                    if options != ["--offline"] { for part in example.says { #expect(words.contains(part), "\(example.name) \(options): \(words)") } }
                    if options == ["--connect"], code == 0 {
                        #expect(words.contains("    PostgreSQL ") && words.contains("public.orders: ") && words.contains("key id"), "\(words)")
                    } else {
                        #expect(!words.contains("PostgreSQL 1"), "\(words)")
                    }
                }
            }
        }
    }

    /// Classes of other products have other names for settings: a finding stands where the file has what it is about.
    @Test func findingsStandAtTheNamesOfTheFile() async throws {
        try await onThread {
            let server = try PostgresServer.shared(), database = try server.makeDatabase()
            let sql = try server.connect(database), role = "named_\(database)"
            try sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY); CREATE ROLE \(role) LOGIN PASSWORD 'right'")
            let jdbc = [
                "connector.class": "JdbcSourceConnector", "connection.url": "jdbc:postgresql://127.0.0.1:\(server.port)/\(database)", "connection.user": role, "connection.password": "right",
                "mode": "bulk", "table.whitelist": "t,u",
            ]
            let named = try validate(jdbc, [], in: TemporaryFolder())
            #expect(named.output.contains("postgres.source.no_table  connectors.json:9:7  /connectors/shop/table.whitelist"), "\(named.output)")
            let debezium = [
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "127.0.0.1", "database.port": "\(server.port)", "database.user": role,
                "database.password": Self.secret, "database.dbname": database,
            ]
            let refused = try validate(debezium, [], in: TemporaryFolder())
            #expect(refused.ending == .exit(3))
            #expect(refused.output.contains("postgres.source.refused  connectors.json:6:7  /connectors/shop/database.hostname"), "\(refused.output)")
            try sql.execute("DROP ROLE \(role)")
        }
    }

    @Test func factsAndFindingsComeAsJSONToo() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), server = try PostgresServer.shared(), database = try server.makeDatabase()
            let finished = try validate(
                ["connector.class": "PostgresSource", "connection.url": server.url(database), "table.include.list": "public.none"], ["--connect", "--json"], in: folder)
            #expect(finished.ending == .exit(2))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(finished.output.utf8)) as? [String: Any])
            let findings = try #require(object["findings"] as? [[String: Any]])
            #expect(findings.contains { $0["code"] as? String == "postgres.server" && $0["severity"] as? String == "ok" })
            #expect(findings.contains { $0["code"] as? String == "postgres.source.no_table" && $0["severity"] as? String == "error" && $0["line"] as? Int == 6 })
            let both = try ChildProcess.run(["validate", "connectors.json", "--connect", "--offline"], in: folder.path)
            #expect(both.ending == .exit(2) && both.errors.contains("exclude each other"))
        }
    }
}
