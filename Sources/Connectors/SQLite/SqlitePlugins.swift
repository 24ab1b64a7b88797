internal import ConnectRuntime

/// What the catalogue shows of the SQLite connectors.
enum SqlitePlugins {
    static let source = Plugin(
        ["SqliteSource"], version: ConnectorVersion.text, definition: SqliteSourceSettings.definition,
        summary: "Tails the tables of a SQLite file into topics, exactly once, beginning with the rows they hold.", factory: .source { SqliteSource() })
}
