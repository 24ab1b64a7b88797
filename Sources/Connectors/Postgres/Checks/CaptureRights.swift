internal import ConnectRuntime
internal import Postgres

/// What of ours stands in a database, and what a role may do with it.
struct CaptureRights: Sendable, Hashable {
    struct Object: Sendable, Hashable {
        let oid: UInt32
        /// Of SELECT, INSERT, UPDATE and DELETE, those that are granted.
        let granted: Set<String>
        /// Whether it is written to the log: an unlogged table is emptied by a crash.
        let isLogged: Bool
        let isAutovacuumOff: Bool
    }

    let role: String
    let database: String
    let mayCreateSchema: Bool
    let hasSchema: Bool
    let mayUseSchema: Bool
    let mayCreateInSchema: Bool
    /// Whether the functions of ours that are there may be replaced.
    let ownsFunctions: Bool
    let change: Object?
    let tail: Object?

    static func read(_ look: PostgresLook) throws -> CaptureRights {
        let schema = try look.connection.execute(
            """
            SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), n.oid IS NOT NULL,
              pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
              coalesce((SELECT bool_and(pg_catalog.pg_has_role(p.proowner, 'USAGE')) FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid), true)
            FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'connectd'
            """)
        let objects = try look.connection.execute(
            """
            SELECT c.relname, c.oid, (SELECT string_agg(p, ',') FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) p WHERE pg_catalog.has_table_privilege(c.oid, p)),
              c.relpersistence <> 'u', coalesce('autovacuum_enabled=false' = ANY (c.reloptions) OR 'autovacuum_enabled=off' = ANY (c.reloptions), false)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'connectd' AND c.relname IN ('change', 'tail')
            """)
        func object(_ name: String) -> Object? {
            (0..<objects.rowCount).first { equalBytes(objects.text($0, 0) ?? "", name) }.map { row in
                Object(
                    oid: objects.text(row, 1).flatMap { UInt32($0) } ?? 0, granted: Set(splitList(objects.text(row, 2) ?? "")), isLogged: objects.boolean(row, 3),
                    isAutovacuumOff: objects.boolean(row, 4))
            }
        }
        return CaptureRights(
            role: look.role, database: look.database, mayCreateSchema: schema.boolean(0, 0), hasSchema: schema.boolean(0, 1), mayUseSchema: schema.boolean(0, 2),
            mayCreateInSchema: schema.boolean(0, 3), ownsFunctions: schema.boolean(0, 4), change: object("change"), tail: object("tail"))
    }

    /// Whether changes can be read.
    var readsChanges: Bool { mayUseSchema && change?.granted.contains("SELECT") == true }
    /// Whether the readers' rows can be read.
    var readsReaders: Bool { mayUseSchema && tail?.granted.contains("SELECT") == true }

    static func changeRights(prunes: Bool) -> [String] { prunes ? ["SELECT", "DELETE"] : ["SELECT"] }
    static let tailRights = ["SELECT", "INSERT", "UPDATE"]

    /// What a role that owns nothing needs for reading.
    static func grants(to role: String, keepsReader: Bool, prunes: Bool) -> [String] {
        let role = Quoting.identifier(role)
        return ["GRANT USAGE ON SCHEMA connectd TO \(role)", "GRANT \(changeRights(prunes: prunes).joined(separator: ", ")) ON connectd.change TO \(role)"]
            + (keepsReader ? ["GRANT \(tailRights.joined(separator: ", ")) ON connectd.tail TO \(role)"] : [])
    }

    /// Rights that are lacking for reading what is there, with what grants them.
    func lacking(keepsReader: Bool, prunes: Bool) -> [(what: String, statement: String)] {
        var lacks: [(what: String, statement: String)] = []
        let grantee = Quoting.identifier(role)
        if hasSchema, !mayUseSchema { lacks.append(("USAGE on schema connectd", "GRANT USAGE ON SCHEMA connectd TO \(grantee)")) }
        func look(_ object: Object?, _ name: String, _ wanted: [String]) {
            guard let object else { return }
            let missing = wanted.filter { !object.granted.contains($0) }.joined(separator: ", ")
            if !missing.isEmpty { lacks.append(("\(missing) on \(name)", "GRANT \(missing) ON \(name) TO \(grantee)")) }
        }
        look(change, "connectd.change", CaptureRights.changeRights(prunes: prunes))
        if keepsReader { look(tail, "connectd.tail", CaptureRights.tailRights) }
        return lacks
    }
}
