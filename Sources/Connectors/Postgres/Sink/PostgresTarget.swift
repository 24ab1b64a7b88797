internal import ConnectRuntime
internal import Postgres

/// Brings a layout together with the table as it is: makes it, adds columns, writes the statements. Inside the batch's transaction.
struct PostgresTarget {
    let session: PostgresSinkSession
    let plan: SinkPlan
    let logger: Logger

    private var catalog: TargetCatalog { TargetCatalog(run: { try session.run($0, $1) }, connection: session.connection) }

    /// - Returns: whether a table was made or changed.
    func prepare(_ layout: PostgresLayout) throws -> Bool {
        do {
            return try resolve(layout)
        } catch let error as ConnectError where error.kind == .data {
            layout.state = .refused(error)
            return false
        }
    }

    private func resolve(_ layout: PostgresLayout) throws -> Bool {
        try checkNames(layout)
        var changed = false
        var found = try catalog.find(layout.table)
        if found == nil {
            guard layout.hasRow else {
                layout.state = .absent
                return false
            }
            try create(layout)
            changed = true
            found = try catalog.find(layout.table)
        }
        guard var table = found else {
            throw refusal("sink.invisible_table", "table \(layout.table) was made but the session's search path does not lead to it", "name its schema in table.name.format")
        }
        if table.schema == "pg_catalog" || table.schema == "information_schema" || equalBytes(table.schema, session.positions.schema) || table.schema == "connectd" {
            throw refusal("sink.reserved_table", "table \(table.schema).\(table.name) belongs to the server or to connectd", "choose another table.name.format")
        }
        let wanted = layout.columns.enumerated().filter { $0.offset < layout.keyCount || layout.hasRow }.map(\.element)
        var names = try wanted.map { try match($0.name, table) }
        for (index, column) in wanted.enumerated() where names[index] == nil {
            try add(column, isKey: index < layout.keyCount, to: table)
            changed = true
            names[index] = column.name.text
        }
        if changed, let again = try catalog.find(layout.table) { table = again }
        layout.state = .ready(try statements(layout, zip(wanted, names).map { ($0, $1 ?? $0.name.text) }, table))
        if table.hasDeferredConstraints { session.hasDeferredConstraints = true }
        return changed
    }

    // MARK: statements

    private func statements(_ layout: PostgresLayout, _ names: [(SinkColumn, String)], _ table: TargetTable) throws -> PostgresStatements {
        let targets = try names.map { column, name -> TargetTable.Column in
            guard let target = table.byName[Name(name)] else {
                throw ConnectError(.retriable, code: PostgresSinkTask.changedCode, "table \(table.schema).\(table.name) lost column \(name) meanwhile")
            }
            return target
        }
        let columns = zip(names, targets).map { PostgresStatements.Column(source: $0.0, name: $1.name, type: $1.type) }
        let keyCount = layout.keyCount
        if keyCount > 0, targets[..<keyCount].contains(where: \.isGenerated) {
            throw refusal("sink.generated_key", "the key of table \(layout.table) is a generated column", "name other columns in pk.fields")
        }
        let key = targets[..<keyCount].map(\.name)
        let hasKey = !key.isEmpty && table.uniqueKeys.contains { $0.count == key.count && Set($0.map { Name($0) }) == Set(key.map { Name($0) }) }
        if !hasKey, plan.insertMode == .upsert, layout.hasRow {
            throw refusal(
                "sink.no_unique_key", "table \(layout.table) has no primary key or unique index on exactly (\(key.joined(separator: ", ")))",
                "create one, or name the key's columns in pk.fields")
        }
        let covered = Set(targets.map { Name($0.name) })
        let written = targets.indices.filter { !targets[$0].isGenerated }
        let sql = TargetSQL(table: table, columns: targets, keyCount: keyCount, written: written)
        return PostgresStatements(
            table: table.oid, columns: columns, keyCount: keyCount, written: written,
            write: layout.hasRow ? sql.write(plan.insertMode, from: sql.arrays(written)) : nil,
            delete: key.isEmpty ? nil : sql.delete(from: sql.arrays(Array(0..<keyCount))),
            truncate: (table.hasReferences ? "DELETE FROM " : "TRUNCATE ") + table.qualified,
            writeStage: session.stages && layout.hasRow ? sql.stage(session, written) { sql.write(plan.insertMode, from: $0) } : nil,
            deleteStage: session.stages && !key.isEmpty ? sql.stage(session, Array(0..<keyCount)) { sql.delete(from: $0) } : nil,
            copy: layout.hasRow && plan.insertMode == .insert && !table.refusesCopy ? sql.copy(written) : nil,
            keepsOrder: table.hasTriggers || table.hasReferences || table.hasOtherUniqueThings || !targets[..<keyCount].allSatisfy(\.isExact)
                || (!hasKey && !table.uniqueKeys.isEmpty),
            setsAll: table.columns.allSatisfy { column in column.isGenerated || covered.contains(Name(column.name)) })
    }

    // MARK: tables and columns

    private func checkNames(_ layout: PostgresLayout) throws {
        for name in [layout.table.name] + [layout.table.schema].compactMap(\.self) + layout.columns.map(\.name) {
            let bytes = name.text.utf8
            if bytes.isEmpty { throw refusal("sink.bad_name", "the record has an empty name, which PostgreSQL cannot bear", "rename it with a transform") }
            if bytes.count > Quoting.maximumIdentifierBytes {
                throw refusal("sink.long_name", "the name \(name) is longer than PostgreSQL's \(Quoting.maximumIdentifierBytes) bytes", "rename it with a transform")
            }
            if bytes.contains(0) { throw refusal("sink.bad_name", "a name holds a NUL character, which PostgreSQL cannot bear", "rename it with a transform") }
        }
    }

    /// The exact name first, else the only one that differs in case alone.
    private func match(_ name: Name, _ table: TargetTable) throws -> String? {
        if let exact = table.byName[name] { return exact.name }
        let folded = name.text.asciiLowercased
        let alike = table.columns.filter { equalBytes($0.name.asciiLowercased, folded) }
        if alike.count > 1 {
            throw refusal("sink.ambiguous_column", "column \(name) of table \(table.schema).\(table.name) may mean \(alike[0].name) or \(alike[1].name)", "rename the field with a transform")
        }
        return alike.first?.name
    }

    private func create(_ layout: PostgresLayout) throws {
        guard plan.creates else { throw refusal("sink.missing_table", "the database has no table \(layout.table)", "create it, or set auto.create=true") }
        guard layout.columns.allSatisfy({ $0.schema != nil }) else {
            throw refusal(
                "sink.no_schema", "the database has no table \(layout.table), and the record has no schema to make it from",
                "create the table, or use a converter with schemas")
        }
        if let schema = layout.table.schema,
            try session.run("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [.text(schema.text)]).rowCount == 0
        {
            try change("CREATE SCHEMA IF NOT EXISTS \(Quoting.identifier(schema.text))", "schema \(schema)")
            logger.info("made schema \(schema)")
        }
        let columns = try layout.columns.enumerated().map { index, column in
            let isRequired = index < layout.keyCount || column.schema?.isOptional == false
            return Quoting.identifier(column.name.text) + " " + (try type(column)) + (isRequired ? " NOT NULL" : "")
        }
        let key = layout.columns[..<layout.keyCount].map { Quoting.identifier($0.name.text) }
        let constraint = key.isEmpty ? "" : ", PRIMARY KEY (\(key.joined(separator: ", ")))"
        try change("CREATE TABLE IF NOT EXISTS \(qualified(layout.table)) (\(columns.joined(separator: ", "))\(constraint))", "table \(layout.table)")
        if let words = layout.madeAgain(in: "the database", wasSeen: false) { logger.warning(words) } else { logger.info("made table \(layout.table)") }
    }

    private func qualified(_ table: SinkTable) -> String {
        table.schema.map { Quoting.qualified($0.text, table.name.text) } ?? Quoting.identifier(table.name.text)
    }

    private func add(_ column: SinkColumn, isKey: Bool, to table: TargetTable) throws {
        let display = "\(table.schema).\(table.name)"
        guard !isKey else {
            throw refusal("sink.missing_key_column", "table \(display) lacks the key's column \(column.name)", "add it to the table with a unique index, or set pk.fields")
        }
        guard plan.evolves else { throw refusal("sink.missing_column", "table \(display) has no column \(column.name)", "add it, or set auto.evolve=true") }
        guard let schema = column.schema else {
            throw refusal("sink.no_schema", "table \(display) has no column \(column.name), and the record has no schema to add it by", "add it, or drop the field with a transform")
        }
        try change("ALTER TABLE \(table.qualified) ADD COLUMN IF NOT EXISTS \(Quoting.identifier(column.name.text)) \(try type(column))", "table \(display)")
        logger.info("added column \(column.name) to table \(display)" + (schema.isOptional ? "" : ": nullable, since rows that are there have no value for it"))
    }

    /// The type of a column that is made: the source's own where the target has it too, else by the kind of value.
    private func type(_ column: SinkColumn) throws -> String {
        guard let schema = column.schema else { return "text" }
        if let written = ColumnType.sourceType(schema), try exists(written) { return written }
        return ColumnType.of(schema)
    }

    /// Whether a text is the name of a type here, and nothing but that: the server's own parser of types reads it.
    private func exists(_ type: String) throws -> Bool {
        try session.setInnerSavepoint()
        do {
            let result = try session.run("SELECT pg_catalog.to_regtype($1) IS NOT NULL", [.text(type)])
            try session.releaseInnerSavepoint()
            return result.boolean(0, 0)
        } catch let error as PostgresError where error.family == .permanent {
            try session.returnToInnerSavepoint()
            return false
        }
    }

    /// A statement that the server refuses as such (too many columns, a type that a key cannot have) is the record's fault; a right that is missing is not.
    private func change(_ sql: String, _ what: String) throws {
        try session.setInnerSavepoint()
        do {
            try session.run(sql)
            try session.releaseInnerSavepoint()
        } catch let error as PostgresError {
            if error.isRaceOfMakers { throw ConnectError(.retriable, code: PostgresSinkTask.changedCode, "\(what) is being made by another task") }
            guard error.family == .permanent, !error.has("42501"), !error.has("25006"), session.connection.isOpen else { throw error }
            try session.returnToInnerSavepoint()
            throw refusal("sink.cannot_change_table", "\(what) cannot be made or changed: \(error.message)", "make it by hand")
        }
    }

    private func refusal(_ code: String, _ message: String, _ suggestion: String) -> ConnectError {
        ConnectError(.data, code: code, message, suggestion: suggestion)
    }
}
