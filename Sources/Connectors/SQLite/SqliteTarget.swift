internal import ConnectRuntime
internal import SQLite

/// Brings a layout together with the table as it is: makes it, adds columns, prepares statements. Inside the caller's transaction.
struct SqliteTarget {
    let database: Database
    let file: String
    let plan: SinkPlan
    let logger: Logger
    let known: KnownTables

    /// Tables this connection has met.
    final class KnownTables {
        var names: Set<Name> = []
    }

    /// - Returns: whether the schema of the file was changed.
    func prepare(_ layout: SqliteLayout) throws -> Bool {
        do {
            return try resolve(layout)
        } catch let error as ConnectError where error.kind == .data {
            layout.state = .refused(error)
            return false
        }
    }

    private func resolve(_ layout: SqliteLayout) throws -> Bool {
        var changed = false
        if let schema = layout.table.schema, schema != "main" {
            throw refusal("sink.unknown_schema", "the record goes to schema \(schema), but SQLite has only main", "take the schema out of table.name.format")
        }
        let table = layout.table.name
        if SqliteCatalog.isReserved(table) {
            throw refusal("sink.reserved_table", "table \(layout.table) bears a name that SQLite or connectd keeps for itself", "choose another table.name.format")
        }
        var columns = try SqliteCatalog.columns(database, table)
        if columns.isEmpty {
            guard layout.hasRow else {
                layout.state = .absent
                return false
            }
            try create(layout)
            changed = true
            columns = try SqliteCatalog.columns(database, table)
        }
        var names: [Name] = []
        for (index, column) in layout.columns.enumerated() where index < layout.keyCount || layout.hasRow {
            if let found = try match(column.name, columns) {
                names.append(found)
            } else {
                try add(column, isKey: index < layout.keyCount, to: table)
                changed = true
                names.append(column.name)
            }
        }
        if changed { columns = try SqliteCatalog.columns(database, table) }
        known.names.insert(table)
        layout.state = .ready(try statements(layout, names, columns))
        return changed
    }

    private func statements(_ layout: SqliteLayout, _ names: [Name], _ columns: [SqliteCatalog.Column]) throws -> SqliteStatements {
        let table = "main." + (try quotedIdentifier(layout.table.name.text))
        let quoted = try names.map { try quotedIdentifier($0.text) }
        let key = quoted[..<layout.keyCount]
        let keyIndex = try uniqueIndex(layout, names, columns)
        let condition = key.enumerated().map { "\($1) = ?\($0 + 1)" }.joined(separator: " AND ")
        let marks = quoted.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        // OR ABORT overrules a table's own ON CONFLICT clauses, by which rows could vanish in silence.
        let insert = "INSERT OR ABORT INTO \(table) (\(quoted.joined(separator: ", "))) VALUES (\(marks))"
        let write: String?
        switch plan.insertMode {
        case _ where !layout.hasRow: write = nil
        case .insert: write = insert
        case .upsert:
            let sets = quoted[layout.keyCount...].map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
            write = insert + " ON CONFLICT (\(key.joined(separator: ", "))) DO " + (sets.isEmpty ? "NOTHING" : "UPDATE SET \(sets)")
        case .update:
            let sets = quoted.enumerated().dropFirst(layout.keyCount).map { "\($1) = ?\($0 + 1)" }.joined(separator: ", ")
            write = sets.isEmpty ? nil : "UPDATE OR ABORT \(table) SET \(sets) WHERE \(condition)"
        }
        let others = try SqliteCatalog.indexes(database, layout.table.name).filter { $0.isUnique && $0.name != keyIndex?.name }
        let hasCollation = keyIndex?.columns.contains { $0.collation.asciiLowercased != "binary" } ?? false
        let triggers = try SqliteCatalog.triggers(database, on: layout.table.name)
        return SqliteStatements(
            write: try write.map { try database.prepare($0) }, delete: key.isEmpty ? nil : try database.prepare("DELETE FROM \(table) WHERE \(condition)"),
            truncate: try database.prepare("DELETE FROM \(table)"), keepsOrder: !others.isEmpty || hasCollation || !triggers.isEmpty,
            setsAll: columns.allSatisfy { column in column.isGenerated || names.contains(column.name) },
            encodings: layout.columns.map { column in column.schema?.parameter(SqliteParameters.encoding).flatMap { SqliteParameters.Encoding(rawValue: $0) } })
    }

    /// The index that makes the key's columns a key; `nil` for the rowid itself, which has none.
    private func uniqueIndex(_ layout: SqliteLayout, _ names: [Name], _ columns: [SqliteCatalog.Column]) throws -> SqliteCatalog.Index? {
        guard layout.keyCount > 0 else { return nil }
        let key = Set(names[..<layout.keyCount].map(\.text.asciiLowercased))
        let fitting = try SqliteCatalog.indexes(database, layout.table.name).first { index in
            index.isUnique && !index.isPartial && Set(index.columns.map { $0.name?.asciiLowercased ?? "" }) == key && index.columns.count == key.count
        }
        let primary = columns.filter { $0.keyPosition > 0 }.map(\.name.text.asciiLowercased)
        if fitting == nil, Set(primary) != key, plan.insertMode == .upsert, layout.hasRow {
            throw refusal(
                "sink.no_unique_key", "table \(layout.table) has no primary key or unique index on exactly (\(names[..<layout.keyCount].map(\.text).joined(separator: ", ")))",
                "create one, or name the key's columns in pk.fields")
        }
        return fitting
    }

    /// The exact name first, else the only one that differs in case alone.
    private func match(_ name: Name, _ columns: [SqliteCatalog.Column]) throws -> Name? {
        if columns.contains(where: { $0.name == name }) { return name }
        let folded = name.text.asciiLowercased
        let alike = columns.filter { equalBytes($0.name.text.asciiLowercased, folded) }
        return alike.first?.name
    }

    private func create(_ layout: SqliteLayout) throws {
        guard plan.creates else {
            throw refusal("sink.missing_table", "\(file) has no table \(layout.table)", "create it, or set auto.create=true")
        }
        guard layout.columns.allSatisfy({ $0.schema != nil }) else {
            throw refusal(
                "sink.no_schema", "\(file) has no table \(layout.table), and the record has no schema to make it from",
                "create the table, or use a converter with schemas")
        }
        let columns = try layout.columns.enumerated().map { index, column in
            let type = column.schema.map(SqliteBinding.columnType) ?? ""
            let isRequired = index < layout.keyCount || column.schema?.isOptional == false
            return try quotedIdentifier(column.name.text) + (type.isEmpty ? "" : " " + quotedIdentifier(type)) + (isRequired ? " NOT NULL" : "")
        }
        let key = try layout.columns[..<layout.keyCount].map { try quotedIdentifier($0.name.text) }
        let constraint = key.isEmpty ? "" : ", PRIMARY KEY (\(key.joined(separator: ", ")))"
        try change("CREATE TABLE main.\(quotedIdentifier(layout.table.name.text)) (\(columns.joined(separator: ", "))\(constraint))", layout.table.name)
        if let words = layout.madeAgain(in: file, wasSeen: known.names.contains(layout.table.name)) {
            logger.warning(words)
        } else {
            logger.info("made table \(layout.table) in \(file)")
        }
    }

    private func add(_ column: SinkColumn, isKey: Bool, to table: Name) throws {
        guard !isKey else {
            throw refusal("sink.missing_key_column", "table \(table) lacks the key's column \(column.name)", "add it to the table with a unique index, or set pk.fields")
        }
        guard plan.evolves else {
            throw refusal("sink.missing_column", "table \(table) has no column \(column.name)", "add it, or set auto.evolve=true")
        }
        guard let schema = column.schema else {
            throw refusal("sink.no_schema", "table \(table) has no column \(column.name), and the record has no schema to add it by", "add it, or drop the field with a transform")
        }
        let type = SqliteBinding.columnType(schema)
        try change(
            "ALTER TABLE main.\(quotedIdentifier(table.text)) ADD COLUMN \(quotedIdentifier(column.name.text))\(type.isEmpty ? "" : " " + quotedIdentifier(type))",
            table)
        logger.info("added column \(column.name) to table \(table)" + (schema.isOptional ? "" : ": nullable, since rows that are there have no value for it"))
    }

    /// A statement that SQLite refuses as such (a name it cannot bear, too many columns) is the record's fault; anything else is not.
    private func change(_ sql: String, _ table: Name) throws {
        do {
            try database.execute(sql)
        } catch {
            guard error.code == .error || error.code == .tooBig else { throw error }
            throw refusal("sink.cannot_change_table", "table \(table) cannot be made or changed: \(error.message)", "make it by hand")
        }
    }

    private func refusal(_ code: String, _ message: String, _ suggestion: String) -> ConnectError {
        ConnectError(.data, code: code, message, suggestion: suggestion)
    }
}
