internal import ConnectRuntime

/// The `source` block of the envelope: Debezium's names where it has one for the thing.
enum SourceBlock {
    static let time = 3, snapshot = 4, transaction = 8, change = 9

    static let schema = Schema.structure(
        "connectd.postgresql.Source",
        fields: [
            .init("version", .plain(.string)), .init("connector", .plain(.string)), .init("name", .plain(.string)), .init("ts_ms", .plain(.int64)),
            .init("snapshot", .plain(.string, optional: true)), .init("db", .plain(.string)), .init("schema", .plain(.string)),
            .init("table", .plain(.string)), .init("txId", .plain(.int64, optional: true)), .init("id", .plain(.int64, optional: true)),
        ])

    static func template(prefix: String, database: String, schema: String, table: String) -> [Value] {
        [
            .string(ConnectorVersion.text), .string("postgresql"), .string(prefix), .int64(0), .string("false"), .string(database), .string(schema),
            .string(table), .null, .null,
        ]
    }
}
