internal import ConnectRuntime

/// What the catalogue shows of the SQLite connectors.
enum SqlitePlugins {
    static let source = Plugin(
        ["SqliteSource"], version: ConnectorVersion.text, definition: SqliteSourceSettings.definition,
        summary: "Tails the tables of a SQLite file into topics, exactly once, beginning with the rows they hold.", factory: .source { SqliteSource() })

    static let sink = Plugin(
        ["SqliteSink"], version: ConnectorVersion.text, definition: SqliteSinkSettings.definition,
        summary: "Writes topics into tables of a SQLite file, exactly once, following changes and deletions by key.", factory: .sink { SqliteSink() })
}
