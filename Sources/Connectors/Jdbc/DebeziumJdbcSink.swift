internal import ConnectRuntime

/// Debezium's JDBC sink.
enum DebeziumJdbcSink {
    private static let user = Setting<String?>.optionalString("connection.username", importance: .high, displayName: "User", "Who to log in as.")
    private static let keyMode = Setting<SinkSettings.KeyMode>.choice(
        "primary.key.mode", default: SinkSettings.KeyMode.none, ignoringCase: true, importance: .high, displayName: "Key mode", "As `pk.mode` of our own sinks. `record_header` is refused.")
    private static let keyFields = Setting<[String]>.list("primary.key.fields", displayName: "Key fields", "As `pk.fields` of our own sinks.")
    private static let table = Setting<String>.string(
        "collection.name.format", default: "${topic}", allowEmpty: false, importance: .medium, displayName: "Table name", aliases: ["table.name.format"],
        "As `table.name.format` of our own sinks.")
    private enum Evolution: String, Sendable, CaseIterable { case none, basic }
    private static let evolution = Setting<Evolution>.choice(
        "schema.evolution", default: Evolution.none, ignoringCase: true, importance: .medium, displayName: "Schema evolution",
        "`basic` makes missing tables and adds missing columns; `none` leaves tables alone.")
    private static let retries = Setting<Int>.int(
        "flush.max.retries", default: 5, range: 0...Int(Int32.max), importance: .medium, displayName: "Most retries", "How often a batch is tried again before the task fails.")
    private static let retryWait = Setting<Int>.int(
        "flush.retry.delay.ms", default: 1000, range: 0...3_600_000, importance: .medium, displayName: "Retry delay (ms)", "How long to wait before a batch is tried again.")

    private static let refusals: [JdbcSinkDialect.Refusal] = [
        .init(name: "use.time.zone", fine: ["utc", "gmt", "z", "etc/utc"], why: "times are written in UTC"),
        .init(name: "field.include.list", fine: [""], why: "fields.whitelist or the transform ReplaceField chooses fields"),
        .init(name: "field.exclude.list", fine: [""], why: "the transform ReplaceField leaves fields out"),
        .init(name: "connection.provider", fine: ["", "org.hibernate.c3p0.internal.c3p0connectionprovider"], why: "a task has one connection of its own"),
        .init(name: "table.naming.strategy", fine: ["", "io.debezium.connector.jdbc.naming.defaulttablenamingstrategy"], why: "collection.name.format names tables"),
        .init(name: "collection.naming.strategy", fine: ["", "io.debezium.sink.naming.defaultcollectionnamingstrategy"], why: "collection.name.format names tables"),
        .init(name: "column.naming.strategy", fine: ["", "io.debezium.connector.jdbc.naming.defaultcolumnnamingstrategy"], why: "columns bear their fields' names"),
    ]
    private static let meaningless: [Name] = [
        "batch.size", "quote.identifiers", "use.reduction.buffer", "connection.pool.min_size", "connection.pool.max_size", "connection.pool.acquire_increment",
        "connection.pool.timeout", "connection.restart.on.errors", "dialect.postgres.unnest.insert.enabled", "dialect.postgres.postgis.schema",
        "dialect.sqlserver.identity.insert", "dialect.starrocks.catalog_name",
    ]

    static let dialect = JdbcSinkDialect(
        definition: ConfigDefinition()
            .group("Database", JdbcSinkDialect.url, user, PostgresConnectionSettings.password, PostgresConnectionSettings.timeout, SinkSettings.lockTimeout, PostgresSinkSettings.statementTimeout)
            .group("Writes", SinkSettings.insertMode, keyMode, keyFields, SinkSettings.fields, SinkSettings.delete, SinkSettings.truncate)
            .group("Tables", table, evolution)
            .group("Position", SinkSettings.recreated, SinkSettings.gap, PostgresSinkSettings.positionSchema)
            .group("Retries", retries, retryWait)
            .defaulting(["insert.mode": "insert", "delete.enabled": "false"])
            .merging(JdbcSinkDialect.limited(refusals)).merging(JdbcSinkDialect.ineffective(meaningless)),
        renamed: [
            "connection.username": "connection.user", "primary.key.mode": "pk.mode", "primary.key.fields": "pk.fields", "collection.name.format": "table.name.format",
        ],
        refusals: refusals, refusedPrefixes: ["hibernate."], meaningless: meaningless, retries: retries, retryWait: retryWait,
        adjust: { map in
            let evolves = map.text("schema.evolution").map { equalBytes($0.asciiLowercased, "basic") } ?? false
            map["auto.create"] = .some(evolves ? "true" : "false")
            map["auto.evolve"] = .some(evolves ? "true" : "false")
        })
}
