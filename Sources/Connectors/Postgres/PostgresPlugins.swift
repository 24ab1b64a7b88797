internal import ConnectRuntime

/// What the catalogue has of PostgreSQL.
enum PostgresPlugins {
    static let all = [source, debezium, sink]

    static let source = Plugin(
        ["PostgresSource"], version: ConnectorVersion.text, definition: PostgresSourceSettings.definition,
        summary: "Captures the changes of PostgreSQL tables by triggers and a tail that loses nothing, without a replication slot.",
        factory: .source({ PostgresSource() }))

    static let debezium = Plugin(
        ["io.debezium.connector.postgresql.PostgresConnector"], version: ConnectorVersion.text, definition: DebeziumPostgresSettings.definition,
        summary: "PostgresSource under the name and with the settings of Debezium's PostgreSQL connector: the same topics and records, without a replication slot.",
        factory: .source({ PostgresSource(DebeziumPostgresSettings.dialect) }))

    static let sink = Plugin(
        ["PostgresSink"], version: ConnectorVersion.text, definition: PostgresSinkSettings.definition,
        summary: "Writes topics into tables of a PostgreSQL database, exactly once, following changes and deletions by key.", factory: .sink({ PostgresSink() }))
}
