internal import ConnectRuntime

/// How tables are read that are not captured by triggers.
struct RowOptions: Sendable {
    let xidColumn: String
    /// Empty: the one column that has a sequence.
    let incrementingColumn: String
    let incrementingInitial: Int64
    let timestampColumns: [String]
    /// Milliseconds since 1970; -1 for now, `nil` for 1970.
    let timestampInitial: Int?
    let timestampDelay: Int
    let validatesNonNull: Bool
    /// Letters of `pg_class.relkind`.
    let kinds: Set<String>

    init(_ config: Config) throws {
        typealias Keys = PostgresSourceSettings
        xidColumn = try config.value(Keys.eventXid)
        incrementingColumn = try config.value(Keys.incrementingColumn)
        incrementingInitial = Int64(try config.value(Keys.incrementingInitial))
        timestampColumns = try config.value(Keys.timestampColumns)
        timestampInitial = try config.value(Keys.timestampInitial)
        timestampDelay = try config.value(Keys.timestampDelay)
        validatesNonNull = try config.value(Keys.validatesNonNull)
        kinds = Set(try config.value(Keys.tableTypes).flatMap { RelationKind.letters($0) ?? [] })
    }
}

/// JDBC's words for kinds of tables.
enum RelationKind {
    static let tables: Set<String> = ["r", "p"]

    static func letters(_ word: String) -> [String]? {
        switch word {
        case "TABLE", "BASE TABLE": ["r", "p"]
        case "PARTITIONED TABLE": ["p"]
        case "VIEW": ["v"]
        case "MATERIALIZED VIEW": ["m"]
        case "FOREIGN TABLE": ["f"]
        default: nil
        }
    }
}
