public import ConnectRuntime

/// The connectors that are built in. Adding one is a folder and a line here.
public enum ConnectorCatalogue {
    public static let plugins: [Plugin] =
        [FileStreamPlugins.sink, FileStreamPlugins.source, SqlitePlugins.sink, SqlitePlugins.source] + HttpPlugins.all + PostgresPlugins.all + JdbcPlugins.all
}
