internal import ConnectRuntime

/// Other products' JDBC sinks under their own names, with their own defaults.
enum JdbcPlugins {
    static let all = [
        Plugin(
            ["io.confluent.connect.jdbc.JdbcSinkConnector", "JdbcSinkConnector", "JdbcSink", "io.aiven.connect.jdbc.JdbcSinkConnector"], version: ConnectorVersion.text,
            definition: ConfluentJdbcSink.dialect.definition,
            summary: "PostgresSink or SqliteSink, as `connection.url` says, under the name and with the settings of Confluent's JDBC sink.",
            factory: .sink({ JdbcSink(ConfluentJdbcSink.dialect) })),
        Plugin(
            ["io.debezium.connector.jdbc.JdbcSinkConnector"], version: ConnectorVersion.text, definition: DebeziumJdbcSink.dialect.definition,
            summary: "PostgresSink or SqliteSink, as `connection.url` says, under the name and with the settings of Debezium's JDBC sink.",
            factory: .sink({ JdbcSink(DebeziumJdbcSink.dialect) })),
    ]
}
