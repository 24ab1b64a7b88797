internal import ConnectRuntime
internal import Postgres

/// The settings of the PostgreSQL sink.
enum PostgresSinkSettings {
    static let table = SinkSettings.table(
        " A schema may stand in front (`mirror.${source.table}`, `${source.schema}.${source.table}`) and is made where `auto.create` is on; without one the session's search path counts."
    ) { (_: [SinkTableName.Part]) throws(SettingError) in }
    static let positionSchema = Setting<String>.string(
        "eos.schema", default: "connectd", allowEmpty: false, importance: .low, displayName: "Schema of positions",
        "The schema of the table `sink_offset`, which holds how far each topic partition is written. Made when it is missing.")
    static let statementTimeout = Setting<Int>.int(
        "statement.timeout.ms", default: 60_000, range: 100...3_600_000, importance: .low, displayName: "Statement timeout (ms)",
        "How long one statement may run. Then the batch is offered again.")

    static let definition = ConfigDefinition()
        .group(
            "Database", PostgresConnectionSettings.url, PostgresConnectionSettings.user, PostgresConnectionSettings.password, PostgresConnectionSettings.timeout,
            SinkSettings.lockTimeout, statementTimeout)
        .group("Writes", SinkSettings.insertMode, SinkSettings.keyMode, SinkSettings.keyFields, SinkSettings.fields, SinkSettings.delete, SinkSettings.truncate)
        .group("Tables", table, SinkSettings.create, SinkSettings.evolve)
        .group("Position", SinkSettings.recreated, SinkSettings.gap, positionSchema)
}

/// The sink's settings, read once.
struct PostgresSinkPlan {
    let connection: ConnectionParameters
    let connectionTimeout: Int
    let statementTimeout: Int
    let positionSchema: String
    let rows: SinkPlan

    init(_ config: Config) throws {
        connection = try PostgresConnectionSettings.parameters(config).seekingPrimary
        connectionTimeout = try config.value(PostgresConnectionSettings.timeout)
        statementTimeout = try config.value(PostgresSinkSettings.statementTimeout)
        positionSchema = try config.value(PostgresSinkSettings.positionSchema)
        rows = try SinkPlan(config, table: PostgresSinkSettings.table)
    }

    /// The table, where the configuration alone says which it is.
    var fixedTable: SinkTable? {
        guard !rows.table.segments.joined().contains(.topic), let resolved = rows.table.resolve(topic: "", source: { _ in nil }) else { return nil }
        return SinkTable(schema: resolved.schema, name: resolved.table)
    }
}
