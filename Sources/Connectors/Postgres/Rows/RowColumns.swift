internal import ConnectRuntime
internal import Postgres

/// The columns by which rows of a table are read in order, checked for what the mode needs.
struct RowColumns {
    let options: SourceOptions
    let connection: Connection

    /// The column with a table's numbers; `nil` where the mode needs none.
    func number(_ table: PostgresTable) throws -> DrawnNumber? {
        if options.mode == .timestamp || options.mode == .bulk { return nil }
        let drawn = try DrawnNumber.all(connection, table.oid)
        let wanted = options.rows.incrementingColumn
        let candidates = wanted.isEmpty ? drawn : drawn.filter { equalBytes($0.column, wanted) }
        var found = candidates.count == 1 ? candidates[0] : nil
        if found == nil, candidates.count > 1, let key = table.key.first, table.key.count == 1 { found = candidates.first { equalBytes($0.column, key) } }
        if found == nil, !options.mode.isTail, !wanted.isEmpty, table.columns.contains(where: { equalBytes($0.name, wanted) }) {
            // The JDBC source takes any number.
            found = DrawnNumber(column: wanted, sequence: nil, cache: 1, increment: 1, cycles: false, newest: nil)
        }
        guard let number = found, let column = table.columns.first(where: { equalBytes($0.name, number.column) }) else {
            throw noNumber(table, wanted, drawn.map(\.column))
        }
        switch column.type.base {
        case .int16, .int32, .int64: break
        default:
            throw ConnectError(
                .fatal, code: "postgres.source.no_number", "column \(column.name) of table \(table.display) is \(column.sqlName), not a whole number",
                suggestion: "name a column of type smallint, integer or bigint in incrementing.column.name")
        }
        if options.mode.isTail, let refusal = number.refusal(table, needsStepOne: options.mode == .fence) { throw refusal }
        if !column.isNotNull, options.rows.validatesNonNull || options.mode.isTail { throw mayBeNull(table, column.name) }
        return number
    }

    private func noNumber(_ table: PostgresTable, _ wanted: String, _ drawn: [String]) -> ConnectError {
        let why =
            if !wanted.isEmpty {
                table.columns.contains { equalBytes($0.name, wanted) }
                    ? "column \(wanted) of table \(table.display) has no sequence: numbers that the application makes do not come in the order of the rows"
                    : "table \(table.display) has no column \(wanted)"
            } else if drawn.isEmpty {
                "table \(table.display) has no column whose number the server draws from a sequence"
            } else {
                "table \(table.display) has several columns with a sequence: \(drawn.joined(separator: ", "))"
            }
        return ConnectError(
            .fatal, code: "postgres.source.no_number", why,
            suggestion: "name an identity or serial column in incrementing.column.name, or capture the table with mode=snapshot, capture=change")
    }

    private func mayBeNull(_ table: PostgresTable, _ column: String) -> ConnectError {
        ConnectError(
            .fatal, code: "postgres.source.may_be_null", "column \(column) of table \(table.display) may be NULL, and such rows are never read",
            suggestion: options.mode.isTail
                ? "ALTER TABLE \(table.qualified) ALTER COLUMN \(Quoting.identifier(column)) SET NOT NULL"
                : "ALTER TABLE \(table.qualified) ALTER COLUMN \(Quoting.identifier(column)) SET NOT NULL, or set validate.non.null=false and live with it")
    }

    /// The columns with a row's time, checked.
    func times(_ table: PostgresTable) throws -> [String] {
        guard options.mode == .timestamp || options.mode == .timestampIncrementing else { return [] }
        let names = options.rows.timestampColumns
        if names.isEmpty {
            throw ConnectError(
                .configuration, code: "config.missing", "mode=\(options.mode.rawValue) needs timestamp.column.name",
                suggestion: "name the columns that tell when a row was last changed")
        }
        var hasNotNull = false
        for name in names {
            guard let column = table.columns.first(where: { equalBytes($0.name, name) }) else {
                throw ConnectError(
                    .fatal, code: "postgres.source.no_time", "table \(table.display) has no column \(name)",
                    suggestion: "correct timestamp.column.name, or leave the table out by table.exclude.list")
            }
            switch column.type.base {
            case .timestamp, .timestampWithZone, .date: break
            default:
                throw ConnectError(
                    .fatal, code: "postgres.source.no_time", "column \(name) of table \(table.display) is \(column.sqlName), not a date or timestamp",
                    suggestion: "name columns of type timestamp or timestamptz in timestamp.column.name")
            }
            if column.isNotNull { hasNotNull = true }
        }
        if !hasNotNull, options.rows.validatesNonNull { throw mayBeNull(table, names.joined(separator: ", ")) }
        return names
    }
}
