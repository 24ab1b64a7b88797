internal import ConnectRuntime
internal import Postgres

/// What a look tells of a captured table, beside its columns.
struct TableFacts: Sendable, Hashable {
    let maySelect: Bool
    let mayUseSchema: Bool
    let mayTrigger: Bool
    let isOwned: Bool
    /// Whether row level security hides rows from us.
    let hidesRows: Bool
    let isLogged: Bool
    /// As the planner has it; `nil` where nobody counted yet.
    let estimatedRows: Int64?
    let owner: String
    /// Whether logical replication applies changes to it.
    let isSubscribed: Bool
    /// The name of its primary key's constraint.
    let keyConstraint: String?
    /// First columns of its valid, whole indexes.
    let indexedColumns: Set<Name>

    static func read(_ connection: Connection, _ tables: [UInt32]) throws(PostgresError) -> [UInt32: TableFacts] {
        let list = Parameter.text("{" + tables.map(String.init).joined(separator: ",") + "}")
        let result = try connection.query(
            """
            SELECT c.oid, pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE'), pg_catalog.has_table_privilege(c.oid, 'SELECT'), pg_catalog.has_table_privilege(c.oid, 'TRIGGER'),
              pg_catalog.pg_has_role(c.relowner, 'USAGE'), pg_catalog.row_security_active(c.oid), c.relpersistence <> 'u',
              CASE WHEN c.relkind = 'p' THEN (SELECT sum(greatest(l.reltuples, 0)) FROM pg_catalog.pg_partition_tree(c.oid) p JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE p.isleaf)
                ELSE nullif(c.reltuples, -1) END::int8,
              pg_catalog.pg_get_userbyid(c.relowner), EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = c.oid),
              (SELECT k.conname FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')
            FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1::oid[])
            """, [list])
        let indexes = try connection.query(
            """
            SELECT i.indrelid, a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid AND i.indpred IS NULL
            """, [list])
        var indexed: [UInt32: Set<Name>] = [:]
        for row in 0..<indexes.rowCount {
            guard let table = indexes.text(row, 0).flatMap({ UInt32($0) }), let column = indexes.text(row, 1) else { continue }
            indexed[table, default: []].insert(Name(column))
        }
        var facts: [UInt32: TableFacts] = [:]
        for row in 0..<result.rowCount {
            guard let oid = result.text(row, 0).flatMap({ UInt32($0) }) else { continue }
            facts[oid] = TableFacts(
                maySelect: result.boolean(row, 2), mayUseSchema: result.boolean(row, 1), mayTrigger: result.boolean(row, 3), isOwned: result.boolean(row, 4),
                hidesRows: result.boolean(row, 5), isLogged: result.boolean(row, 6), estimatedRows: result.integer(row, 7), owner: result.text(row, 8) ?? "",
                isSubscribed: result.boolean(row, 9), keyConstraint: result.text(row, 10), indexedColumns: indexed[oid] ?? [])
        }
        return facts
    }
}
