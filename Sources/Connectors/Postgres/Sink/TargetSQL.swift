internal import ConnectRuntime
internal import Postgres

/// Writes the statements of one layout on one table: every name quoted, every value a parameter or a row of COPY.
struct TargetSQL {
    let table: TargetTable
    let columns: [TargetTable.Column]
    let keyCount: Int
    let written: [Int]

    /// Where rows come from: something to select from, and each column's expression in it.
    struct Rows {
        let from: String
        let expressions: [Int: String]
    }

    /// Rows as parameters: one array of texts per column, each text cast to its column's type.
    func arrays(_ indexes: [Int]) -> Rows {
        let parameters = indexes.indices.map { "$\($0 + 1)::pg_catalog.text[]" }.joined(separator: ", ")
        let names = indexes.map { "c\($0)" }.joined(separator: ", ")
        return Rows(
            from: "unnest(\(parameters)) AS s (\(names))", expressions: Dictionary(uniqueKeysWithValues: indexes.map { ($0, "s.c\($0)::\(columns[$0].castName)") }))
    }

    /// Rows that wait in a temporary table.
    func stage(_ session: PostgresSinkSession, _ indexes: [Int], _ statement: (Rows) -> String?) -> PostgresStatements.Stage? {
        let definitions = indexes.map { "c\($0) \(columns[$0].sqlName)" }.joined(separator: ", ")
        let quoted = session.stage(definitions)
        let rows = Rows(from: "\(quoted) AS s", expressions: Dictionary(uniqueKeysWithValues: indexes.map { ($0, "s.c\($0)") }))
        guard let statement = statement(rows) else { return nil }
        return PostgresStatements.Stage(
            name: quoted, make: "CREATE TEMPORARY TABLE IF NOT EXISTS \(quoted) (\(definitions)) ON COMMIT DELETE ROWS", copy: "COPY \(quoted) FROM STDIN",
            statement: statement)
    }

    func copy(_ indexes: [Int]) -> String { "COPY \(table.qualified) (\(list(indexes))) FROM STDIN" }

    private func list(_ indexes: [Int]) -> String { indexes.map { Quoting.identifier(columns[$0].name) }.joined(separator: ", ") }

    /// `nil` when there is nothing to write beside the key of a row that is there.
    func write(_ mode: SinkSettings.InsertMode, from rows: Rows) -> String? {
        let others = written.filter { $0 >= keyCount }
        if mode == .update {
            if others.isEmpty { return nil }
            let sets = others.map { "\(Quoting.identifier(columns[$0].name)) = s.c\($0)" }.joined(separator: ", ")
            return "UPDATE \(table.qualified) AS t SET \(sets) FROM (\(subselect(rows, written))) AS s WHERE \(condition)"
        }
        let overriding = written.contains { columns[$0].isIdentityAlways } ? " OVERRIDING SYSTEM VALUE" : ""
        let expressions = written.map { rows.expressions[$0] ?? "NULL" }.joined(separator: ", ")
        let insert = "INSERT INTO \(table.qualified) (\(list(written)))\(overriding) SELECT \(expressions) FROM \(rows.from)"
        if mode == .insert { return insert }
        let sets = others.map { index -> String in
            let name = Quoting.identifier(columns[index].name)
            return "\(name) = EXCLUDED.\(name)"
        }
        return insert + " ON CONFLICT (\(list(Array(0..<keyCount)))) DO " + (sets.isEmpty ? "NOTHING" : "UPDATE SET " + sets.joined(separator: ", "))
    }

    func delete(from rows: Rows) -> String {
        "DELETE FROM \(table.qualified) AS t USING (\(subselect(rows, Array(0..<keyCount)))) AS s WHERE \(condition)"
    }

    private func subselect(_ rows: Rows, _ indexes: [Int]) -> String {
        "SELECT " + indexes.map { "\(rows.expressions[$0] ?? "NULL") AS c\($0)" }.joined(separator: ", ") + " FROM \(rows.from)"
    }

    private var condition: String { (0..<keyCount).map { "t.\(Quoting.identifier(columns[$0].name)) = s.c\($0)" }.joined(separator: " AND ") }
}
