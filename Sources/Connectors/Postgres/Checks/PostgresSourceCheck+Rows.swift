internal import ConnectRuntime
internal import Postgres

extension PostgresSourceCheck {
    /// What a table needs that is read as it is: by its numbers, its times, or its transactions' numbers.
    func rows(_ table: PostgresTable, _ facts: TableFacts?, _ look: PostgresLook) throws {
        let columns = RowColumns(options: options, connection: look.connection)
        let drawn = try DrawnNumber.all(look.connection, table.oid)
        let number: DrawnNumber?
        do { number = try columns.number(table) } catch let error as ConnectError {
            return look.add(finding(error, table, drawn))
        }
        do { _ = try columns.times(table) } catch let error as ConnectError {
            return look.add(finding(error, table, drawn))
        }
        let sql = RowSQL(table, id: number?.column, times: [], xid: options.rows.xidColumn)
        if options.mode.isTail, try look.connection.execute(sql.hasBelowOne).rowCount > 0 {
            look.add(
                CheckFinding(
                    .error, "postgres.source.number_below_one", Keys.incrementingColumn.name,
                    "table \(table.display) has rows whose \(number?.column ?? "number") is below 1, which a tail from 1 never reaches", suggestion: "give these rows numbers from 1 on"))
        }
        if options.mode == .snapshot, let number { try events(table, number.column, facts, sql, look) }
    }

    private func finding(_ error: ConnectError, _ table: PostgresTable, _ drawn: [DrawnNumber]) -> CheckFinding {
        let wanted = options.rows.incrementingColumn
        switch error.code {
        case "postgres.source.sequence_cache", "postgres.source.sequence_step":
            let statements = drawn.filter { wanted.isEmpty || equalBytes($0.column, wanted) }.flatMap(\.mending)
            return CheckFinding(
                .error, error.code, Keys.incrementingColumn.name, error.message, suggestion: "put the sequence in order, or capture the table with mode=snapshot, capture=change:",
                statements: statements)
        case "postgres.source.may_be_null":
            let isByTime = options.mode == .timestamp || options.mode == .timestampIncrementing && drawn.isEmpty
            let column = isByTime ? options.rows.timestampColumns.first : wanted.isEmpty ? drawn.first?.column : wanted
            return CheckFinding(
                .error, error.code, isByTime ? Keys.timestampColumns.name : Keys.incrementingColumn.name, error.message,
                suggestion: options.mode.isTail ? nil : "let the table's owner run this, or set validate.non.null=false and live with it:",
                statements: column.map { ["ALTER TABLE \(table.qualified) ALTER COLUMN \(Quoting.identifier($0)) SET NOT NULL"] } ?? [])
        case "postgres.source.no_time", "config.missing": return CheckFinding(error, Keys.timestampColumns.name)
        default: return CheckFinding(error, Keys.incrementingColumn.name)
        }
    }

    private func events(_ table: PostgresTable, _ number: String, _ facts: TableFacts?, _ sql: RowSQL, _ look: PostgresLook) throws {
        let arming = try EventArming.inspect(look.connection, table, xid: options.rows.xidColumn, id: number)
        let setting = Keys.eventXid.name
        if let refusal = arming.refusal {
            // A default of another kind can be put right; a column of another type cannot.
            let isDefault = arming.found.type == "xid8" && !(table.isPartitioned && !arming.found.hasIndex)
            return look.add(CheckFinding(refusal, setting, statements: isDefault ? [arming.setDefault] : []))
        }
        let statements = arming.alterations + arming.indexing
        if statements.isEmpty || (options.arm == .off && arming.found.type != nil) {
            return try greatest(table, sql, look)
        }
        if options.arm == .auto, facts?.isOwned == true {
            return look.add(CheckFinding(.ok, "postgres.source.will_arm", Keys.arm.name, "\(table.display) gets its column \(options.rows.xidColumn) and an index at the start (\(statements.count) statements)"))
        }
        let isRefused = options.arm == .auto
        look.add(
            CheckFinding(
                .error, "postgres.source.not_armed", Keys.arm.name,
                isRefused
                    ? "role \(look.role) may not alter table \(table.display), which is \(facts?.owner ?? "somebody else")'s"
                    : "table \(table.display) has no column \(options.rows.xidColumn) with its transactions' numbers and an index on it, and arm=\(options.arm.rawValue) does not make them",
                suggestion: "let the table's owner run this, or set mode=fence, which needs nothing but SELECT:", statements: statements, cause: isRefused ? .refused : .asked))
    }

    private func greatest(_ table: PostgresTable, _ sql: RowSQL, _ look: PostgresLook) throws {
        let result = try look.connection.execute(sql.greatestXid)
        guard result.rowCount == 1, let greatest = result.text(0, 0).flatMap({ UInt64($0) }) else { return }
        let snapshot = try look.connection.execute("SELECT pg_catalog.pg_current_snapshot()::text")
        guard let xmax = snapshot.text(0, 0).flatMap({ XidSnapshot($0) })?.xmax, greatest >= xmax else { return }
        look.add(
            CheckFinding(
                .error, "postgres.source.foreign_xids", Keys.eventXid.name,
                "table \(table.display) holds transaction number \(greatest), which this server has not reached (it is at \(xmax)): the table was copied from another server",
                suggestion: "count its rows as being from before the start (all are delivered once after the offsets are reset):",
                statements: ["UPDATE \(table.qualified) SET \(Quoting.identifier(options.rows.xidColumn)) = NULL"]))
    }
}
