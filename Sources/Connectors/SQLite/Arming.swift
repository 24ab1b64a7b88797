internal import ConnectRuntime
internal import SQLite

/// Makes tables capture their changes: change tables and triggers, made once, mended after an ALTER TABLE.
///
/// Everything happens in one transaction on a connection of its own that is closed at once and never checkpoints the user's WAL.
struct Arming {
    let path: String
    let guardPolicy: ReplaceGuard
    let keyColumns: [Name: [Name]]
    let logger: Logger
    /// Shown with the task's state.
    let note: (String) -> Void
    /// Says which notes about itself the source leaves; `nil` for who only looks.
    var marks: CaptureMark.Maker?

    /// What SQLite allows a table unless it was built with another limit.
    private static let mostColumns = 2000

    static let memoryTable = "connectd"
    private static let memoryColumns = ["name", "value"]

    /// Arms what needs it.
    /// - Parameters:
    ///   - reader: looks first, so that a file that is armed already is not written.
    func arm(_ tables: [Name], reader: Database) throws {
        if try isArmed(reader, tables) { return try refreshMarks(tables, reader) }
        let writer = try Database(path: path, mode: .readWrite)
        defer { writer.close() }
        try writer.setNoCheckpointOnClose(true)
        try writer.execute("PRAGMA wal_autocheckpoint = 0")
        try writer.transaction(.immediate) {
            try makeMemory(writer)
            for table in tables where try needsWork(writer, table) { try arm(writer, table) }
            for mark in try staleMarks(tables, writer) { try Self.remember(writer, mark.name, mark.value) }
        }
    }

    private func staleMarks(_ tables: [Name], _ database: Database) throws -> [CaptureMark] {
        guard let marks else { return [] }
        return try tables.compactMap { table in
            guard let mark = marks.mark(table, path: path) else { return nil }
            return try Self.remembered(database, mark.name).map { equalBytes($0, mark.value) } == true ? nil : mark
        }
    }

    /// A file that is armed but was captured by another worker, or under another name of topics, or is a copy. Not worth failing for.
    private func refreshMarks(_ tables: [Name], _ reader: Database) throws {
        let stale = try staleMarks(tables, reader)
        if stale.isEmpty { return }
        do {
            let writer = try Database(path: path, mode: .readWrite)
            defer { writer.close() }
            try writer.setNoCheckpointOnClose(true)
            try writer.execute("PRAGMA wal_autocheckpoint = 0")
            try writer.transaction(.immediate) { for mark in stale { try Self.remember(writer, mark.name, mark.value) } }
        } catch {
            logger.info("\(path) could not be noted as captured, so a sink that writes a table's changes into the table itself would not be noticed: \(error)")
        }
    }

    /// Pure look: whether nothing needs to be done.
    func isArmed(_ database: Database, _ tables: [Name]) throws -> Bool {
        try Self.uuid(database) != nil && !tables.contains { try needsWork(database, $0) }
    }

    /// The file's identity: made at random with the first arming.
    static func uuid(_ database: Database) throws -> String? { try remembered(database, "uuid") }

    static func memory(_ database: Database, _ table: Name) throws -> CaptureMemory? {
        guard let text = try remembered(database, "table:" + table.text) else { return nil }
        guard let json = try? JSON.parse(text), let memory = CaptureMemory(json: json) else {
            throw ConnectError(
                .fatal, code: "sqlite.memory_damaged", "the row 'table:\(table)' of table connectd cannot be read: \(text.prefix(200))",
                suggestion: "drop the table connectd and the tables and triggers connectd_* to arm anew, then reset the connector's offsets")
        }
        return memory
    }

    static func forgetCompleteness(_ database: Database, _ table: Name) throws {
        guard var memory = try memory(database, table), memory.isComplete else { return }
        memory.isComplete = false
        try remember(database, "table:" + table.text, memory.json.serializedText)
    }

    static func remembered(_ database: Database, _ name: String) throws -> String? {
        guard try SqliteCatalog.sql(database, type: "table", name: memoryTable) != nil else { return nil }
        let statement = try database.prepare("SELECT value FROM main.connectd WHERE name = ?1", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: name, at: 1)
        return try statement.step() ? statement.string(at: 0) : nil
    }

    private static func remember(_ database: Database, _ name: String, _ value: String) throws {
        let statement = try database.prepare(
            "INSERT INTO main.connectd (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: name, at: 1)
        try statement.bind(text: value, at: 2)
        try statement.run()
    }

    private func makeMemory(_ database: Database) throws {
        let columns = try SqliteCatalog.columns(database, Name(Self.memoryTable)).map(\.name.text)
        if columns.isEmpty {
            try database.execute("CREATE TABLE connectd (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        } else if columns != Self.memoryColumns {
            throw ConnectError(
                .fatal, code: "sqlite.name_taken", "\(path) has a table connectd that is not ours (columns \(columns.joined(separator: ", ")))",
                suggestion: "rename that table: connectd keeps its notes under this name")
        }
        if try Self.uuid(database) == nil {
            let random = try database.text("SELECT lower(hex(randomblob(16)))") ?? ""
            try Self.remember(database, "uuid", random)
        }
    }

    /// The columns to capture; refuses `message.key.columns` that the table lacks.
    func shapeColumns(_ database: Database, _ table: Name) throws -> [TableShape.Column] {
        let columns = try SqliteCatalog.columns(database, table)
        if let wanted = keyColumns[table] {
            for name in wanted where !columns.contains(where: { $0.name == name }) {
                throw ConnectError(
                    .configuration, code: "sqlite.unknown_column", "message.key.columns names \(table):\(name), but the table has no such column",
                    suggestion: Nearest.name(to: name, among: columns.map(\.name)).map { "did you mean \($0)?" })
            }
        }
        return TableShape.columns(of: columns, keyColumns: keyColumns[table])
    }

    /// Pure look: whether the change table, its memory and its triggers are what they should be.
    private func needsWork(_ database: Database, _ table: Name) throws -> Bool {
        let columns = try shapeColumns(database, table)
        if columns.isEmpty { return false }
        guard let shape = try Self.memory(database, table)?.shapes.last, shape.columns == columns,
            try !SqliteCatalog.columns(database, ChangeTable.name(table)).isEmpty
        else { return true }
        let wanted = try wanted(database, table, shape)
        if let shadow = wanted.shadow {
            let present = try SqliteCatalog.columns(database, ReplaceShadow.name(table)).map(\.name.text)
            if !present.elementsEqual(shadow.tableColumns, by: equalBytes) { return true }
        }
        let present = try SqliteCatalog.triggers(database, on: table)
        return wanted.triggers.contains { wanted in !present.contains { equalBytes($0.name, wanted.name) && equalBytes($0.sql, wanted.sql) } }
    }

    /// What a table is to have beside its change table.
    private func wanted(_ database: Database, _ table: Name, _ shape: TableShape) throws -> (shadow: ReplaceShadow?, triggers: [(name: String, sql: String)]) {
        let identity = try RowIdentity(database, table, SqliteCatalog.columns(database, table))
        let shadow = try guardPolicy.watches(database, table) ? ReplaceShadow(database, table, shape, identity) : nil
        return (shadow, try ChangeTable.triggers(table, shape, identity, shadow))
    }

    /// Makes the table that replaced rows are kept in for a moment, anew where it has other columns: its content is of no worth between two
    /// transactions.
    private func makeShadow(_ database: Database, _ table: Name, _ shadow: ReplaceShadow?) throws {
        guard let shadow else { return }
        let name = ReplaceShadow.name(table)
        let present = try SqliteCatalog.columns(database, name).map(\.name.text)
        if present.elementsEqual(shadow.tableColumns, by: equalBytes) {
            // Of a table that was dropped and made again, it would speak of rows that never were in this one.
            return try database.execute("DELETE FROM main.\(quotedIdentifier(name.text))")
        }
        if !present.isEmpty {
            guard ReplaceShadow.isOne(present) else {
                throw ConnectError(
                    .fatal, code: "sqlite.name_taken", "\(path) has a table \(name) that is not ours", suggestion: "rename that table, or leave \(table) out")
            }
            try database.execute("DROP TABLE main.\(quotedIdentifier(name.text))")
        }
        try database.execute(shadow.createTable())
    }

    private func arm(_ database: Database, _ table: Name) throws {
        let columns = try shapeColumns(database, table)
        if try !guardPolicy.watches(database, table) {
            try guardPolicy.check(table, hazards: ReplaceGuard.hazards(database, table), logger: logger)
        }
        let changes = ChangeTable.name(table)
        let existing = try SqliteCatalog.columns(database, changes)
        var memory = try Self.memory(database, table)
        let present = try SqliteCatalog.triggers(database, on: table).map(\.name)
        let areTriggersThere = ["i", "u", "d"].allSatisfy { event in present.contains { equalBytes($0, ChangeTable.triggerName(table, event)) } }
        let lacking = ChangeTable.valueColumns(TableShape(firstSequence: 1, columns: columns)).filter { column in
            !existing.contains { equalBytes($0.name.text.asciiLowercased, column.asciiLowercased) }
        }
        let width = existing.isEmpty ? lacking.count + 3 : existing.count + lacking.count
        if width > Self.mostColumns {
            throw ConnectError(
                .fatal, code: "sqlite.too_many_columns",
                "table \(table) has \(columns.count) columns: its change table \(changes) would need \(width), and SQLite allows \(Self.mostColumns)",
                suggestion: "leave the table out with table.exclude.list")
        }
        if memory != nil, existing.isEmpty || !areTriggersThere {
            let what = "table \(table) was dropped and made again, or its triggers were removed: rows that were deleted meanwhile are unknown, and copies may still hold them"
            logger.warning(what)
            note(what)
        }
        // First: SQLite alters no table while a trigger names one that is gone.
        for trigger in try SqliteCatalog.triggers(database, on: table) where Self.isOurs(trigger.name) {
            try database.execute("DROP TRIGGER main.\(quotedIdentifier(trigger.name))")
        }
        if existing.isEmpty {
            let isEmpty = try database.integer("SELECT NOT EXISTS (SELECT 1 FROM main.\(quotedIdentifier(table.text)))") == 1
            let isFirst = memory == nil
            let shape = TableShape(firstSequence: 1, columns: columns)
            memory = CaptureMemory(isComplete: isEmpty && isFirst, shapes: [shape])
            try database.execute(ChangeTable.create(table, shape))
        } else {
            guard let first = existing.first, first.name == "seq", existing.count >= 3, memory != nil else {
                throw ConnectError(
                    .fatal, code: "sqlite.name_taken", "\(path) has a table \(changes) that is not ours", suggestion: "rename that table, or leave \(table) out")
            }
            // The triggers of an earlier version missed nothing: they get their new text, and the rows need not be read again.
            let isOnlyText = areTriggersThere && memory?.shapes.last?.columns == columns
            let shape = TableShape(firstSequence: try SqliteCatalog.sequence(database, changes) + 1, columns: columns)
            for column in lacking {
                try database.execute("ALTER TABLE main.\(quotedIdentifier(changes.text)) ADD COLUMN \(quotedIdentifier(column))")
            }
            if !isOnlyText { memory?.shapes.append(shape) }
        }
        guard let memory, let shape = memory.shapes.last else { return }
        let wanted = try wanted(database, table, shape)
        try makeShadow(database, table, wanted.shadow)
        for trigger in wanted.triggers { try database.execute(trigger.sql) }
        try Self.remember(database, "table:" + table.text, memory.json.serializedText)
        logger.info("armed table \(table): changes go to \(changes) from number \(shape.firstSequence) on")
    }

    /// Also those of a table that was renamed: they would go on writing into the old name's change table.
    private static func isOurs(_ trigger: String) -> Bool {
        let bytes = trigger.utf8
        return bytes.starts(with: "connectd_".utf8) && ["_i", "_u", "_d", "_bi", "_bu"].contains { bytes.reversed().starts(with: $0.utf8.reversed()) }
    }
}
