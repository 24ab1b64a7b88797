internal import ConnectRuntime

/// What the catalogue has of PostgreSQL.
enum PostgresPlugins {
    static let all = [source]

    static let source = Plugin(
        ["PostgresSource"], version: ConnectorVersion.text, definition: PostgresSourceSettings.definition,
        summary: "Captures the changes of PostgreSQL tables by triggers and a tail that loses nothing, without a replication slot.",
        factory: .source({ PostgresSource() }))
}
