internal import ConnectRuntime
internal import Postgres

/// Looks at the database a source's configuration names: reads only, arms nothing.
struct PostgresSourceCheck {
    let options: SourceOptions
    let request: CheckRequest

    typealias Keys = PostgresSourceSettings
    static let prefix = PostgresSourceTask.errorPrefix

    func findings() -> [CheckFinding] {
        PostgresLook.findings(options.connection, timeoutMilliseconds: options.connectionTimeout, request, prefix: PostgresSourceCheck.prefix) { look in
            var rights: CaptureRights?
            look.part("looking at rights") { rights = try CaptureRights.read(look) }
            guard let rights else { return }
            look.part("looking at the server") { try server(look, rights) }
            var tables: [PostgresTable] = [], facts: [UInt32: TableFacts] = [:]
            look.part("listing tables") {
                tables = try chosen(look)
                facts = try TableFacts.read(look.connection, tables.map(\.oid))
                request.captures(try DatabaseIdentity.read(look.connection)?.captured(tables, options, database: look.database) ?? [])
            }
            look.part("looking at tables") {
                for table in tables { inspect(table, facts[table.oid], look) }
                topics(tables, look)
            }
            if options.readsChanges {
                look.part("looking at triggers") { try capture(tables, facts, rights, look) }
            } else {
                for table in tables where facts[table.oid]?.maySelect == true { look.part("looking at table \(table.display)") { try rows(table, facts[table.oid], look) } }
            }
            if request.depth == .thorough { PostgresSourceDoctor(options: options, rights: rights, look: look).examine(tables, facts) }
        }
    }

    private func server(_ look: PostgresLook, _ rights: CaptureRights) throws {
        let readsChanges = options.readsChanges && rights.readsChanges
        let (server, _) = try StartChecks.Server.read(look.connection, readsChanges: readsChanges)
        // The JDBC source's modes know no transactions: a standby does for them.
        guard options.mode.isTail || !server.isStandby, let refusal = StartChecks.server(server) else { return }
        let isForeign = refusal.code == "postgres.source.foreign_xids"
        look.add(CheckFinding(refusal, PostgresLook.url, statements: isForeign ? ["UPDATE connectd.change SET xid = pg_current_xact_id()"] : []))
    }

    private func chosen(_ look: PostgresLook) throws -> [PostgresTable] {
        let catalog = PostgresCatalog(connection: look.connection)
        let tables = try ChosenTables(catalog, options)
        for name in tables.missing { look.add(CheckFinding(tables.refusal(name), Keys.include.name)) }
        if tables.chosen.isEmpty, tables.missing.isEmpty {
            look.add(
                CheckFinding(
                    .warning, "postgres.source.no_tables", Keys.include.name, "no table of database \(look.database) is captured yet",
                    suggestion: "tables that are made later are captured when they match table.include.list and the other lists"))
        } else {
            for pattern in options.includePatterns where !options.plainTables.contains(Name(pattern)) {
                let expression = try RegularExpression(pattern)
                if try tables.listed.contains(where: { table in try options.spellings(schema: table.schema, table: table.name).contains { try expression.matches($0) } }) { continue }
                look.add(
                    CheckFinding(
                        .warning, "postgres.source.unmatched_pattern", Keys.include.name, "no table of database \(look.database) matches \(pattern)",
                        suggestion: "correct it, or leave it for tables that are made later: names are matched whole, as schema.table"))
            }
        }
        return try catalog.describe(tables.chosen.map(\.oid)).map { $0.mapped(options.types.numerics) }
    }

    /// What holds for a table however it is captured.
    private func inspect(_ table: PostgresTable, _ facts: TableFacts?, _ look: PostgresLook) {
        let include = Keys.include.name
        if let facts {
            let rows = facts.estimatedRows.map { "about \($0) row\($0 == 1 ? "" : "s")" } ?? "rows not counted yet"
            let key = (try? options.key(of: table)) ?? table.key
            look.add(
                CheckFinding(
                    .ok, "postgres.source.table", include,
                    "\(table.display): \(rows), \(options.isJDBC ? "records without key" : key.isEmpty ? "no key" : "key \(key.joined(separator: ", "))"), to topic \(options.topic(of: table))"))
            if (!options.readsChanges || options.isBackfilled) && !(facts.maySelect && facts.mayUseSchema) {
                let grantee = Quoting.identifier(look.role)
                look.add(
                    CheckFinding(
                        .error, "postgres.source.permission", include, "role \(look.role) may not read table \(table.display), which is \(facts.owner)'s",
                        suggestion: "let its owner run:",
                        statements: (facts.mayUseSchema ? [] : ["GRANT USAGE ON SCHEMA \(Quoting.identifier(table.schema)) TO \(grantee)"])
                            + (facts.maySelect ? [] : ["GRANT SELECT ON \(table.qualified) TO \(grantee)"]), cause: .refused))
            }
            if facts.hidesRows, !options.readsChanges || options.isBackfilled {
                look.add(
                    CheckFinding(
                        .warning, "postgres.source.row_security", include, "row level security of table \(table.display) holds for role \(look.role)",
                        cost: "rows that its policies hide are not delivered, without a word from the server", statements: ["ALTER ROLE \(Quoting.identifier(look.role)) BYPASSRLS"]))
            }
        }
        keys(table, facts, look)
    }

    private func keys(_ table: PostgresTable, _ facts: TableFacts?, _ look: PostgresLook) {
        do {
            let key = try options.key(of: table)
            if key.isEmpty, !options.isJDBC {
                // Rows that are there can be joined with the changes by a key only.
                let isNeeded = options.readsChanges && options.isBackfilled
                look.add(
                    CheckFinding(
                        isNeeded ? .error : .warning, "postgres.source.no_key", Keys.include.name,
                        isNeeded
                            ? "table \(table.display) has no primary key, so the rows it holds cannot be delivered exactly once while it is written to"
                            : "table \(table.display) has no primary key: its records have no key", cost: isNeeded ? nil : "copies cannot tell which row a change is of",
                        suggestion: "name its unique columns in message.key.columns" + (isNeeded ? ", or set snapshot.mode=no_data to deliver only changes from now on" : "")))
            }
        } catch {
            let cause = ConnectError(error)
            look.add(CheckFinding(.error, cause.code, Keys.keyColumns.name, cause.message, suggestion: "correct it, or add the column; columns are: \(table.columns.map(\.name).joined(separator: ", "))"))
        }
        guard table.isKeyDeferrable, options.mode == .snapshot else { return }
        let columns = table.key.map(Quoting.identifier).joined(separator: ", ")
        let constraint = Quoting.identifier(facts?.keyConstraint ?? "\(table.name)_pkey")
        look.add(
            CheckFinding(
                .error, "postgres.source.deferrable_key", Keys.include.name,
                "the primary key of table \(table.display) is DEFERRABLE: an insert may draw its number before the conflicting delete draws its own, so changes of one key would come out of order",
                suggestion: "make the key not deferrable, or leave the table out:",
                statements: ["ALTER TABLE \(table.qualified) DROP CONSTRAINT \(constraint), ADD CONSTRAINT \(constraint) PRIMARY KEY (\(columns))"]))
    }

    private func capture(_ tables: [PostgresTable], _ facts: [UInt32: TableFacts], _ rights: CaptureRights, _ look: PostgresLook) throws {
        let arming = PostgresArming(connection: look.connection, mode: options.arm, options: options.arming, lockTimeoutMilliseconds: options.lockTimeout, logger: .silent)
        let plan = try arming.inspect(tables, known: [])
        var cache: Int64?
        if rights.mayUseSchema, plan.hasChangeTable { cache = try look.connection.execute(CaptureSQL.inspectCache).integer(0, 0) }
        let found = ArmingFindings(
            plan: plan, mode: options.arm, options: options.arming, prunes: options.prunes, rights: rights, facts: facts, sequenceCache: cache
        ).all()
        for finding in found { look.add(finding) }
        let armed = plan.tables.filter { state in state.triggers.contains { $0.name == CaptureSQL.captureTrigger && $0.argument == String(state.table.oid) } }
        if !tables.isEmpty { look.add(CheckFinding(.ok, "postgres.source.armed", Keys.arm.name, "\(armed.count) of \(tables.count) table\(tables.count == 1 ? "" : "s") captured into connectd.change")) }
    }

    private func topics(_ tables: [PostgresTable], _ look: PostgresLook) {
        var topics: [Name: String] = [:]
        for table in tables {
            let topic = options.topic(of: table)
            if let other = topics[topic] { look.add(CheckFinding(ConnectError.topicCollision(other, table.display, topic), Keys.topicPrefix.name)) }
            topics[topic] = table.display
        }
    }
}

extension ConnectError {
    static func topicCollision(_ one: String, _ other: String, _ topic: Name) -> ConnectError {
        ConnectError(
            .fatal, code: "postgres.source.topic_collision", "tables \(one) and \(other) would both go to topic \(topic)",
            suggestion: "leave one of them out, or capture it by a connector with another topic.prefix")
    }
}
