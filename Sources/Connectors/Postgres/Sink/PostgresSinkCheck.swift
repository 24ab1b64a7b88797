internal import ConnectRuntime
internal import Postgres

/// Looks at the database a sink's configuration names, for `validate`: reads only, makes nothing.
struct PostgresSinkCheck {
    let plan: PostgresSinkPlan
    init(_ plan: PostgresSinkPlan) { self.plan = plan }

    func problems() -> [ConfigProblem] {
        let url = PostgresConnectionSettings.url.name
        do {
            let connection = try PostgresSinkSession.open(plan, interruption: .none)
            defer { connection.close() }
            return try look(connection)
        } catch {
            let problem = ConnectError.postgres(error, PostgresSinkTask.errorPrefix, "looking at the target")
            // A server that is down now may be up when the connector starts; one that refuses us will refuse us then.
            return [ConfigProblem(problem.code, url, problem.message, suggestion: problem.suggestion, isWarning: problem.kind == .retriable)]
        }
    }

    private func look(_ connection: Connection) throws -> [ConfigProblem] {
        let url = PostgresConnectionSettings.url.name
        var problems: [ConfigProblem] = []
        if connection.serverVersion < 120_000 {
            problems.append(ConfigProblem("postgres.sink.version", url, "the server is older than PostgreSQL 12", suggestion: "use a later server"))
        }
        let state = try connection.execute(
            "SELECT pg_catalog.current_setting('transaction_read_only') = 'on', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), current_user, pg_catalog.current_schema()")
        if state.boolean(0, 0) {
            problems.append(
                ConfigProblem(
                    "postgres.sink.read_only", url, "the server takes no writes: it is a standby, or the role's transactions are read-only",
                    suggestion: "name the primary, or all hosts with target_session_attrs=read-write"))
        }
        let role = state.text(0, 2) ?? ""
        let positions = PostgresPositions(schema: plan.positionSchema)
        if try positions.exists(connection) {
            let rights = try connection.query(
                "SELECT bool_and(pg_catalog.has_table_privilege(c.oid, p)) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, unnest('{SELECT,INSERT,UPDATE}'::text[]) p WHERE n.nspname = $1 AND c.relname = 'sink_offset'",
                [.text(plan.positionSchema)])
            if !rights.boolean(0, 0) {
                problems.append(
                    ConfigProblem(
                        "postgres.sink.permission", url, "role \(role) may not write table \(plan.positionSchema).sink_offset, where positions are kept",
                        suggestion: "GRANT SELECT, INSERT, UPDATE ON \(Quoting.qualified(plan.positionSchema, "sink_offset")) TO \(Quoting.identifier(role))"))
            }
        } else {
            let schema = try connection.query(
                "SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = $1", [.text(plan.positionSchema)])
            if schema.rowCount == 0 ? !state.boolean(0, 1) : !schema.boolean(0, 0) {
                problems.append(
                    ConfigProblem(
                        "postgres.sink.permission", url, "role \(role) may not make table \(plan.positionSchema).sink_offset, where positions are kept",
                        suggestion: schema.rowCount == 0
                            ? "CREATE SCHEMA \(Quoting.identifier(plan.positionSchema)) AUTHORIZATION \(Quoting.identifier(role)), or set eos.schema"
                            : "GRANT CREATE ON SCHEMA \(Quoting.identifier(plan.positionSchema)) TO \(Quoting.identifier(role)), or set eos.schema"))
            }
        }
        return problems + (try table(connection, role, currentSchema: state.text(0, 3)))
    }

    /// Where the configuration alone says which table it is.
    private func table(_ connection: Connection, _ role: String, currentSchema: String?) throws -> [ConfigProblem] {
        let setting = PostgresSinkSettings.table.name
        guard let resolved = plan.rows.table.resolve(topic: "", source: { _ in nil }), !plan.rows.table.segments.joined().contains(.topic) else { return [] }
        let name = SinkTable(schema: resolved.schema, name: resolved.table)
        let catalog = TargetCatalog(run: { try connection.query($0, $1) }, connection: connection)
        guard let table = try catalog.find(name) else {
            if !plan.rows.creates { return [ConfigProblem("postgres.sink.no_table", setting, "the database has no table \(name)", suggestion: "create it, or set auto.create=true")] }
            guard let schema = resolved.schema?.text ?? currentSchema else {
                return [ConfigProblem("postgres.sink.no_schema", setting, "the session's search path leads to no schema to make table \(name) in", suggestion: "name a schema")]
            }
            let rights = try connection.query("SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = $1", [.text(schema)])
            if rights.rowCount > 0, !rights.boolean(0, 0) {
                return [
                    ConfigProblem(
                        "postgres.sink.permission", setting, "role \(role) may not make table \(name) in schema \(schema)",
                        suggestion: "GRANT CREATE ON SCHEMA \(Quoting.identifier(schema)) TO \(Quoting.identifier(role))")
                ]
            }
            return []
        }
        let rights = try connection.query(
            "SELECT bool_and(pg_catalog.has_table_privilege($1::oid, p)) FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) p", [.text(String(table.oid))])
        if rights.boolean(0, 0) { return [] }
        return [
            ConfigProblem(
                "postgres.sink.permission", setting, "role \(role) may not write table \(table.schema).\(table.name)",
                suggestion: "GRANT SELECT, INSERT, UPDATE, DELETE ON \(table.qualified) TO \(Quoting.identifier(role))")
        ]
    }
}
