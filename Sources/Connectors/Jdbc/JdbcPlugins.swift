internal import ConnectRuntime

/// Other products' JDBC sources and sinks under their own names, with their own defaults.
enum JdbcPlugins {
    static let all = [
        Plugin(
            ["io.confluent.connect.jdbc.JdbcSourceConnector", "JdbcSourceConnector", "JdbcSource"], version: ConnectorVersion.text, definition: JdbcSourceDialect.confluent.definition,
            summary: "PostgresSource or SqliteSource, as `connection.url` says, under the name, with the settings and with the records of Confluent's JDBC source.",
            factory: .source({ JdbcSource(.confluent) })),
        Plugin(
            ["io.aiven.connect.jdbc.JdbcSourceConnector"], version: ConnectorVersion.text, definition: JdbcSourceDialect.aiven.definition,
            summary: "PostgresSource or SqliteSource, as `connection.url` says, under the name, with the settings and with the records of Aiven's JDBC source.",
            factory: .source({ JdbcSource(.aiven) })),
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
