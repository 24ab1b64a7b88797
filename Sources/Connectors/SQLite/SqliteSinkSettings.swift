internal import ConnectRuntime

/// The settings of the SQLite sink.
enum SqliteSinkSettings {
    static let url = Setting<String>(
        "connection.url", .string, importance: .high, width: .long, displayName: "Database file",
        "The SQLite file to write: `sqlite:PATH` or `jdbc:sqlite:PATH`. A missing one is made, in WAL mode; an existing one keeps its journal mode."
    ) { (text: String) throws(SettingError) -> String in try SqliteLocation.path(of: text) }
    static let table = SinkSettings.table("") { (schema: [SinkTableName.Part]) throws(SettingError) in
        if schema != [.text("main")], schema != [.source("schema")] { throw SettingError("names a schema; SQLite has only main") }
    }

    static let definition = ConfigDefinition()
        .group("Database", url, SinkSettings.lockTimeout)
        .group("Writes", SinkSettings.insertMode, SinkSettings.keyMode, SinkSettings.keyFields, SinkSettings.fields, SinkSettings.delete, SinkSettings.truncate)
        .group("Tables", table, SinkSettings.create, SinkSettings.evolve)
        .group("Position", SinkSettings.recreated, SinkSettings.gap)
}

/// The sink's settings, read once.
struct SqliteSinkPlan {
    let path: String
    let rows: SinkPlan

    init(_ config: Config) throws {
        path = try config.value(SqliteSinkSettings.url)
        rows = try SinkPlan(config, table: SqliteSinkSettings.table)
    }
}
