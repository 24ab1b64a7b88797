import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

/// PostgresSink keeps to what every sink keeps to, under its own name and under another product's.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSinkConformanceTests {
    @Test(arguments: ["PostgresSink", "io.confluent.connect.jdbc.JdbcSinkConnector", "io.debezium.connector.jdbc.JdbcSinkConnector"], SinkConnectorConformance.cases)
    func conforms(name: String, one: ConformanceCase<SinkSubject>) async throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(name) { $0 == .sink })
        try await onThread {
            let target = try PostgresTarget()
            var config = ConfigMap(["connection.url": target.url, "table.name.format": "t"])
            if name != "PostgresSink" {
                config["insert.mode"] = .some("upsert")
                config[name.contains("debezium") ? "primary.key.mode" : "pk.mode"] = .some("record_key")
                config[name.contains("debezium") ? "schema.evolution" : "auto.create"] = .some(name.contains("debezium") ? "basic" : "true")
            }
            let url = target.url
            try one.run(
                SinkSubject(
                    plugin: plugin, config: config, record: { SqliteSinkTests.flat(Int64($0), Int64($0)) },
                    written: {
                        let connection = try Connection.open(ConnectionParameters(url: url))
                        defer { connection.close() }
                        guard try connection.execute("SELECT to_regclass('t') IS NOT NULL").boolean(0, 0) else { return [] }
                        let result = try connection.execute("SELECT id FROM t ORDER BY id")
                        return (0..<result.rowCount).map { Int(result.integer($0, 0) ?? -1) }
                    }))
        }
    }
}
