internal import ConnectRuntime
internal import Postgres

/// Looks at the database a sink's configuration names: reads only, makes nothing.
struct PostgresSinkCheck {
    let plan: PostgresSinkPlan
    let request: CheckRequest

    private static let prefix = PostgresSinkTask.errorPrefix

    func findings() -> [CheckFinding] {
        PostgresLook.findings(plan.connection, timeoutMilliseconds: plan.connectionTimeout, request, prefix: PostgresSinkCheck.prefix) { look in
            look.part("looking at the target") { try target(look) }
            look.part("looking at the target's table") { try table(look) }
            look.part("looking at tables that are captured") { try loops(look) }
            if request.depth == .thorough { PostgresSinkDoctor(plan: plan, look: look).examine() }
        }
    }

    private func target(_ look: PostgresLook) throws {
        let url = PostgresLook.url
        if look.connection.serverVersion < 120_000 {
            look.add(CheckFinding(.error, "postgres.sink.version", url, "the server is older than PostgreSQL 12", suggestion: "use a later server"))
        }
        // Not what holds for this session, which is read-only by our own wish.
        let state = try look.connection.execute(
            """
            SELECT pg_catalog.pg_is_in_recovery(), (SELECT s.reset_val = 'on' FROM pg_catalog.pg_settings s WHERE s.name = 'default_transaction_read_only'),
              pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
            """)
        if state.boolean(0, 0) || state.boolean(0, 1) {
            look.add(
                CheckFinding(
                    .error, "postgres.sink.read_only", url, "the server takes no writes: \(state.boolean(0, 0) ? "it is a standby" : "the role's transactions are read-only")",
                    suggestion: state.boolean(0, 0)
                        ? "name the primary, or all hosts with target_session_attrs=read-write"
                        : "let the role write (the setting may stand at the database or the server instead):",
                    statements: state.boolean(0, 0) ? [] : ["ALTER ROLE \(Quoting.identifier(look.role)) RESET default_transaction_read_only"], cause: .refused))
        }
        let schema = try look.connection.query(
            "SELECT pg_catalog.has_schema_privilege(oid, 'CREATE'), pg_catalog.has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = $1", [.text(plan.positionSchema)])
        if try PostgresPositions(schema: plan.positionSchema).exists(look.connection) {
            let rights = try look.connection.query(
                "SELECT bool_and(pg_catalog.has_table_privilege(c.oid, p)) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, unnest('{SELECT,INSERT,UPDATE}'::text[]) p WHERE n.nspname = $1 AND c.relname = 'sink_offset'",
                [.text(plan.positionSchema)])
            let grantee = Quoting.identifier(look.role)
            let missing = (schema.boolean(0, 1) ? [] : ["GRANT USAGE ON SCHEMA \(Quoting.identifier(plan.positionSchema)) TO \(grantee)"])
                + (rights.boolean(0, 0) ? [] : ["GRANT SELECT, INSERT, UPDATE ON \(Quoting.qualified(plan.positionSchema, "sink_offset")) TO \(grantee)"])
            if !missing.isEmpty {
                look.add(
                    CheckFinding(
                        .error, "postgres.sink.permission", url, "role \(look.role) may not write table \(plan.positionSchema).sink_offset, where positions are kept",
                        suggestion: "let its owner run:", statements: missing, cause: .refused))
            }
        } else if schema.rowCount == 0 ? !state.boolean(0, 2) : !(schema.boolean(0, 0) && schema.boolean(0, 1)) {
            let name = Quoting.identifier(plan.positionSchema), grantee = Quoting.identifier(look.role)
            look.add(
                CheckFinding(
                    .error, "postgres.sink.permission", url, "role \(look.role) may not make table \(plan.positionSchema).sink_offset, where positions are kept",
                    suggestion: "let the database's owner run this, or set eos.schema:",
                    statements: [schema.rowCount == 0 ? "CREATE SCHEMA \(name) AUTHORIZATION \(grantee)" : "GRANT USAGE, CREATE ON SCHEMA \(name) TO \(grantee)"], cause: .refused))
        }
    }

    /// Whether a topic would go into the very table that a source puts on it.
    private func loops(_ look: PostgresLook) throws {
        guard let captured = request.captured.since(0)?.tables, !captured.isEmpty, let database = try DatabaseIdentity.read(look.connection) else { return }
        let map = request.config.map, connection = look.connection
        let topics = Set(splitList(map.text("topics") ?? "").map { Name($0) })
        let pattern = try map.text("topics.regex").flatMap { $0.isEmpty ? nil : try RegularExpression($0) }
        let catalog = TargetCatalog(run: { try connection.query($0, $1) }, connection: connection)
        for table in captured where database.holds(table) {
            guard try topics.contains(table.topic) || pattern?.matches(table.topic.text) == true else { continue }
            var names: Set<SinkTable> = []
            for topic in request.topics(table.topic) {
                if let name = plan.rows.table.resolve(topic: topic, source: { table.source[$0] }) { names.insert(SinkTable(schema: name.schema, name: name.table)) }
                if plan.rows.fallsBackToTopic { names.insert(SinkTable(schema: nil, name: topic)) }
            }
            for name in names {
                guard let target = try catalog.find(name) else { continue }
                let root = try connection.query(DatabaseIdentity.root, [.text(String(target.oid))]).text(0, 0).flatMap { UInt32($0) } ?? target.oid
                if equalBytes(database.table(root), table.identity) { look.add(CheckFinding(ConnectError.loop(table, connection.place), "topics")) }
            }
        }
    }

    private func table(_ look: PostgresLook) throws {
        let setting = PostgresSinkSettings.table.name, connection = look.connection, grantee = Quoting.identifier(look.role)
        guard let name = plan.fixedTable else { return }
        let catalog = TargetCatalog(run: { try connection.query($0, $1) }, connection: connection)
        guard let table = try catalog.find(name) else {
            if !plan.rows.creates {
                return look.add(CheckFinding(.error, "postgres.sink.no_table", setting, "the database has no table \(name)", suggestion: "create it, or set auto.create=true"))
            }
            guard let schema = try name.schema?.text ?? connection.execute("SELECT pg_catalog.current_schema()").text(0, 0) else {
                return look.add(
                    CheckFinding(
                        .error, "postgres.sink.no_schema", setting, "the session's search path leads to no schema to make table \(name) in", suggestion: "name a schema"))
            }
            let rights = try connection.query("SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = $1", [.text(schema)])
            if rights.rowCount > 0, !rights.boolean(0, 0) {
                look.add(
                    CheckFinding(
                        .error, "postgres.sink.permission", setting, "role \(look.role) may not make table \(name) in schema \(schema)",
                        suggestion: "let the schema's owner run:", statements: ["GRANT CREATE ON SCHEMA \(Quoting.identifier(schema)) TO \(grantee)"], cause: .refused))
            } else {
                look.add(CheckFinding(.ok, "postgres.sink.will_create", setting, "table \(name) is made with the first record"))
            }
            return
        }
        let rights = try connection.query(
            "SELECT bool_and(pg_catalog.has_table_privilege($1::oid, p)), pg_catalog.has_schema_privilege($2, 'USAGE') FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) p",
            [.text(String(table.oid)), .text(table.schema)])
        if rights.boolean(0, 0), rights.boolean(0, 1) {
            return look.add(CheckFinding(.ok, "postgres.sink.table", setting, "table \(table.schema).\(table.name) is there and may be written"))
        }
        look.add(
            CheckFinding(
                .error, "postgres.sink.permission", setting, "role \(look.role) may not write table \(table.schema).\(table.name)", suggestion: "let its owner run:",
                statements: (rights.boolean(0, 1) ? [] : ["GRANT USAGE ON SCHEMA \(Quoting.identifier(table.schema)) TO \(grantee)"])
                    + (rights.boolean(0, 0) ? [] : ["GRANT SELECT, INSERT, UPDATE, DELETE ON \(table.qualified) TO \(grantee)"]), cause: .refused))
    }
}
