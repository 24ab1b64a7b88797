internal import ConnectRuntime

/// Confluent's JDBC sink (and Aiven's, which descends from it).
enum ConfluentJdbcSink {
    private static let retries = Setting<Int>.int(
        "max.retries", default: 10, range: 0...Int(Int32.max), importance: .medium, displayName: "Most retries", "How often a batch is tried again before the task fails.")
    private static let retryWait = Setting<Int>.int(
        "retry.backoff.ms", default: 3000, range: 0...3_600_000, importance: .medium, displayName: "Retry back-off (ms)", "How long to wait before a batch is tried again.")

    private static let refusals: [JdbcSinkDialect.Refusal] = [
        .init(name: "quote.sql.identifiers", fine: ["always"], why: "names are always quoted"),
        .init(name: "sql.quote.identifiers", fine: ["true"], why: "names are always quoted"),
        .init(name: "db.timezone", fine: ["utc", "gmt", "z", "etc/utc"], why: "times are written in UTC"),
        .init(name: "date.timezone", fine: ["utc", "db_timezone"], why: "dates are written as they are"),
        .init(name: "date.calendar.system", fine: ["proleptic_gregorian", "legacy"], why: "dates are Gregorian"),
        .init(name: "timestamp.precision.mode", fine: ["microseconds"], why: "the databases hold microseconds"),
        .init(name: "timestamp.fields.list", fine: [""], why: "a field's schema says whether it is a timestamp"),
        .init(name: "jdbc.credentials.provider.class", fine: ["", "io.confluent.connect.jdbc.util.defaultjdbccredentialsprovider"], why: "secrets come by ${env:…} and ${file:…}"),
        .init(name: "string.output.value.column.name", fine: ["record_value"], why: "a value must be a struct or a JSON object"),
        .init(name: "table.name.normalize", fine: ["false"], why: "names are kept as they are"),
        .init(name: "topics.to.tables.mapping", fine: [""], why: "the transform RegexRouter maps topics"),
        .init(
            name: "dialect.name", fine: ["", "postgresqldatabasedialect", "sqlitedatabasedialect"], why: "connection.url says which database it is"),
    ]
    private static let meaningless: [Name] = [
        "connection.attempts", "connection.backoff.ms", "batch.size", "table.types", "replace.null.with.default", "trim.sensitive.log", "mssql.use.merge.holdlock",
        "max.buffered.records",
    ]

    static let dialect = JdbcSinkDialect(
        definition: ConfigDefinition()
            .group("Database", JdbcSinkDialect.url, PostgresConnectionSettings.user, PostgresConnectionSettings.password, PostgresConnectionSettings.timeout, SinkSettings.lockTimeout, PostgresSinkSettings.statementTimeout)
            .group("Writes", SinkSettings.insertMode, SinkSettings.keyMode, SinkSettings.keyFields, SinkSettings.fields, SinkSettings.delete, SinkSettings.truncate)
            .group("Tables", PostgresSinkSettings.table, SinkSettings.create, SinkSettings.evolve)
            .group("Position", SinkSettings.recreated, SinkSettings.gap, PostgresSinkSettings.positionSchema)
            .group("Retries", retries, retryWait)
            .defaulting([
                "insert.mode": "insert", "pk.mode": "none", "delete.enabled": "false", "auto.create": "false", "auto.evolve": "false",
                "table.name.format": "${topic}",
            ])
            .merging(JdbcSinkDialect.limited(refusals)).merging(JdbcSinkDialect.ineffective(meaningless)),
        renamed: [:], refusals: refusals, refusedPrefixes: [], meaningless: meaningless, retries: retries, retryWait: retryWait, adjust: { _ in })
}
