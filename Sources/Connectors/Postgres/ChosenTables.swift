internal import ConnectRuntime
internal import Postgres

/// Which of a database's tables a configuration means.
struct ChosenTables: Sendable {
    /// All that could be captured.
    let listed: [PostgresCatalog.Listed]
    /// Those that are meant, in the catalogue's order.
    let chosen: [PostgresCatalog.Listed]
    /// Named one by one in table.include.list, and not there.
    let missing: [Name]

    init(_ catalog: PostgresCatalog, _ options: SourceOptions) throws {
        let listed = try catalog.tables(kinds: options.kinds)
        self.listed = listed
        missing = try options.plainTables.filter { name in try !listed.contains { try options.isMeant(name, $0) } }
        chosen = try listed.filter { try options.selects(schema: $0.schema, table: $0.name) }
    }

    /// What is wrong with a name that means no table.
    func refusal(_ name: Name) -> ConnectError {
        let near = Nearest.name(to: name, among: listed.map(\.fullName))
        let last = name.text.split(separator: ".").last.map { Name(String($0)) } ?? name
        let elsewhere = listed.first { Name($0.name) == last }?.fullName
        return ConnectError(
            .fatal, code: "postgres.source.no_table", "there is no table \(name) in this database, or the connector's user may not see it",
            suggestion: (elsewhere ?? near).map { "did you mean \($0)?" } ?? "write schema.table in table.include.list, e.g. public.\(name)")
    }

    /// The tables of a task, in full. What is missing at its start is a mistake; what goes later on is said, and may come back.
    /// - Parameters:
    ///   - isFirst: whether the task looks for the first time.
    ///   - missing: what was missing at the look before.
    static func ofTask(
        _ catalog: PostgresCatalog, _ options: SourceOptions, isFirst: Bool, missing: inout [Name], _ logger: Logger
    ) throws -> [PostgresTable] {
        let tables = try ChosenTables(catalog, options)
        if isFirst, let name = tables.missing.first { throw tables.refusal(name) }
        DroppedTables.say(tables.missing, before: &missing, logger)
        let mine = tables.chosen.filter { options.share?.contains($0.fullName) ?? true }
        return try catalog.describe(mine.map(\.oid)).map { $0.mapped(options.types.numerics) }
    }
}
