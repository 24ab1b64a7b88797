internal import ConnectRuntime
internal import Postgres

/// Examines a source's database beyond what would keep it from starting.
struct PostgresSourceDoctor {
    let options: SourceOptions
    let rights: CaptureRights
    let look: PostgresLook

    private typealias Keys = PostgresSourceSettings

    func examine(_ tables: [PostgresTable], _ facts: [UInt32: TableFacts]) {
        // One session for each task, and one that watches for new tables.
        let tasks = max(1, look.request.config.map.text("tasks.max").flatMap { Int($0) } ?? 1)
        PostgresServerDoctor(look: look, side: .source, sessions: tasks + (tasks > 1 ? 1 : 0)).examine()
        for table in tables where facts[table.oid]?.isLogged == false { unlogged(table) }
        if options.readsChanges {
            if let change = rights.change { ChangeTableDoctor(options: options, rights: rights, change: change, look: look).examine(tables) }
        } else {
            for table in tables { look.part("looking at table \(table.display)") { try order(table, facts[table.oid]) } }
        }
    }

    private func unlogged(_ table: PostgresTable) {
        look.add(
            CheckFinding(
                .warning, "postgres.source.unlogged", Keys.include.name, "table \(table.display) is unlogged",
                cost: "a crash of the server empties it, which nobody captures: copies keep the rows", suggestion: "let its owner run this, which writes the table once:",
                statements: ["ALTER TABLE \(table.qualified) SET LOGGED"]))
    }

    /// Whether the columns by which rows are read come in order, and are found without reading everything.
    private func order(_ table: PostgresTable, _ facts: TableFacts?) throws {
        if options.mode == .bulk { return }
        let columns = RowColumns(options: options, connection: look.connection)
        guard let number = try? columns.number(table)?.column ?? "", let times = try? columns.times(table) else { return }
        if !options.mode.isTail {
            for drawn in try DrawnNumber.all(look.connection, table.oid) where equalBytes(drawn.column, number) && drawn.cache != 1 {
                look.add(
                    CheckFinding(
                        .warning, "postgres.source.sequence_cache", Keys.incrementingColumn.name,
                        "the sequence of \(table.display).\(drawn.column) has CACHE \(drawn.cache): sessions draw numbers ahead, so rows do not come in the order of their numbers",
                        cost: "a row whose number is below one that was read is never delivered", suggestion: "let the table's owner run this; mode=fence loses none:",
                        statements: drawn.mending))
            }
        }
        // An index that begins with the column by which rows are asked for.
        let first = times.isEmpty ? number : times.count == 1 ? times[0] : ""
        guard !first.isEmpty, options.mode != .snapshot, facts?.indexedColumns.contains(Name(first)) == false else { return }
        look.add(
            CheckFinding(
                .warning, "postgres.source.no_index", times.isEmpty ? Keys.incrementingColumn.name : Keys.timestampColumns.name,
                "table \(table.display) has no index that begins with \(first)", cost: "each look reads and sorts the whole table",
                suggestion: table.isPartitioned ? "let its owner run this on each partition:" : "let its owner run:",
                statements: ["CREATE INDEX CONCURRENTLY ON \(table.qualified) (\(Quoting.identifier(first)))"]))
    }
}
