internal import ConnectRuntime
internal import Postgres

/// Examines a sink's database beyond what would keep it from starting.
struct PostgresSinkDoctor {
    let plan: PostgresSinkPlan
    let look: PostgresLook

    private static let url = PostgresLook.url
    private var positions: String { "\(plan.positionSchema).sink_offset" }
    private var quotedPositions: String { Quoting.qualified(plan.positionSchema, "sink_offset") }

    func examine() {
        let tasks = max(1, look.request.config.map.text("tasks.max").flatMap { Int($0) } ?? 1)
        PostgresServerDoctor(look: look, side: .sink, sessions: tasks).examine()
        look.part("looking at rights") { try temporary() }
        look.part("looking at positions") { try examinePositions() }
        look.part("looking at the target's table") { try target() }
    }

    private func temporary() throws {
        if try look.connection.execute("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')").boolean(0, 0) { return }
        look.add(
            CheckFinding(
                .warning, "postgres.sink.no_temporary", PostgresSinkDoctor.url, "role \(look.role) may not make temporary tables",
                cost: "large batches are written by arrays instead of COPY, which is slower", suggestion: "let the database's owner run:",
                statements: ["GRANT TEMPORARY ON DATABASE \(Quoting.identifier(look.database)) TO \(Quoting.identifier(look.role))"]))
    }

    private func examinePositions() throws {
        let facts = try look.connection.query(
            """
            SELECT c.relpersistence <> 'u', coalesce('autovacuum_enabled=false' = ANY (c.reloptions) OR 'autovacuum_enabled=off' = ANY (c.reloptions), false),
              pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'sink_offset'
            """, [.text(plan.positionSchema)])
        if facts.rowCount == 0 {
            return look.add(CheckFinding(.ok, "postgres.sink.position", PostgresSinkDoctor.url, "no positions yet: \(positions) is made at the start"))
        }
        if !facts.boolean(0, 0) {
            look.add(
                CheckFinding(
                    .error, "postgres.sink.unlogged", PostgresSinkDoctor.url, "\(positions) is unlogged", cost: "a crash of the server empties it: positions are lost, and the sink refuses to go on",
                    suggestion: "let its owner run:", statements: ["ALTER TABLE \(quotedPositions) SET LOGGED"]))
        }
        if facts.boolean(0, 1) {
            look.add(
                CheckFinding(
                    .warning, "postgres.sink.autovacuum", PostgresSinkDoctor.url, "autovacuum is off for \(positions)",
                    cost: "the table is updated with every batch and grows with each, and commits become slow", suggestion: "let its owner run:",
                    statements: ["ALTER TABLE \(quotedPositions) RESET (autovacuum_enabled)"]))
        }
        guard facts.boolean(0, 2) else { return }
        let rows = try look.connection.query(
            """
            SELECT topic, part, next_offset, (extract(epoch FROM pg_catalog.clock_timestamp() - updated_at) * 1000)::int8 FROM \(quotedPositions)
            WHERE connector = $1 ORDER BY topic, part LIMIT 100
            """, [.text(look.request.connector.text)])
        for row in 0..<rows.rowCount {
            look.add(
                CheckFinding(
                    .ok, "postgres.sink.position", PostgresSinkDoctor.url,
                    "\(rows.text(row, 0) ?? "")/\(rows.text(row, 1) ?? "") written up to offset \(rows.text(row, 2) ?? "?"), \(Amounts.time(rows.integer(row, 3) ?? 0)) ago"))
        }
    }

    /// Where the configuration alone says which table it is.
    private func target() throws {
        let setting = PostgresSinkSettings.table.name, connection = look.connection
        guard let name = plan.fixedTable, let table = try TargetCatalog(run: { try connection.query($0, $1) }, connection: connection).find(name) else { return }
        let display = "\(table.schema).\(table.name)"
        if try connection.query("SELECT relpersistence = 'u' FROM pg_catalog.pg_class WHERE oid = $1::oid", [.text(String(table.oid))]).boolean(0, 0) {
            look.add(
                CheckFinding(
                    .error, "postgres.sink.unlogged", setting, "table \(display) is unlogged",
                    cost: "a crash of the server empties it while the position stays: the copy is incomplete from then on, without a word", suggestion: "let its owner run:",
                    statements: ["ALTER TABLE \(table.qualified) SET LOGGED"]))
        }
        if plan.rows.insertMode == .upsert, table.uniqueKeys.isEmpty {
            let columns = plan.rows.keyFields.map { Quoting.identifier($0.text) }.joined(separator: ", ")
            look.add(
                CheckFinding(
                    .error, "sink.no_unique_key", setting, "table \(display) has no primary key or unique index, which insert.mode=upsert needs", cost: "every record is refused",
                    suggestion: columns.isEmpty ? "let its owner add one on exactly the key's columns" : "let its owner run:",
                    statements: columns.isEmpty ? [] : ["ALTER TABLE \(table.qualified) ADD PRIMARY KEY (\(columns))"]))
        }
        let why = [table.hasTriggers ? "triggers" : nil, table.hasReferences ? "foreign keys" : nil, table.hasOtherUniqueThings ? "several unique constraints" : nil].compactMap(\.self)
        if !why.isEmpty {
            look.add(CheckFinding(.ok, "postgres.sink.keeps_order", setting, "table \(display) has \(why.joined(separator: ", ")): every change is written in its order, not only the last of each key, which is slower"))
        }
    }
}
