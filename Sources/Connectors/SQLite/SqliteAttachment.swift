internal import ConnectRuntime
internal import SQLite

/// An open file with the tails of its tables: armed, checked against the stored offsets, ready to be read.
///
/// Made anew whenever the file or its schema changed. The connection is read-only; arming has a short one of its own.
final class SqliteAttachment {
    let database: Database
    let identity: FileIdentity
    private(set) var tails: [TableTail] = []
    private(set) var isSchemaKnown = true
    private let schemaVersion: Int64
    private let versionStatement: Statement

    /// Tables that are named one by one and were there at the start, but are not now.
    private(set) var dropped: [Name] = []

    /// - Parameter isFirst: what is missing at the start is a mistake; later on it may come back.
    init(_ plan: SqliteSourcePlan, positions: [Name: SqlitePosition], isFirst: Bool, context: any SourceTaskContext) throws {
        try checkIsRegularFile(plan.path)
        guard let identity = FileIdentity(plan.path) else {
            throw ConnectError(
                isFirst ? .fatal : .retriable, code: "sqlite.missing", "\(plan.path) does not exist", suggestion: "check connection.url; a source's file is never created")
        }
        self.identity = identity
        let database = try Database(path: plan.path, mode: .readOnly)
        self.database = database
        try database.setNoCheckpointOnClose(true)
        // The first read of the file: tells whether it is a database at all.
        _ = try database.integer("PRAGMA schema_version")
        if let mode = try database.text("PRAGMA journal_mode"), !equalBytes(mode.asciiLowercased, "wal") {
            context.logger.warning("\(plan.path) is in journal mode \(mode): reading blocks its writers for moments; PRAGMA journal_mode=WAL avoids that")
        }
        versionStatement = try database.prepare("PRAGMA data_version")
        let arming = plan.capture == .change ? Arming(path: plan.path, guardPolicy: plan.guardPolicy, keyColumns: plan.keyColumns, logger: context.logger, note: { context.note($0) }, marks: CaptureMark.Maker(cluster: context.clusterID) { plan.topic(of: $0) }) : nil
        let opened = try Self.inArmedTransaction(database, plan, arming, isFirst: isFirst, context) { tables in
            let version = try database.integer("PRAGMA schema_version") ?? 0
            let missing = try SqliteCatalog.missing(plan.selection.plainNames, among: SqliteCatalog.tables(database))
            return (version, try tables.compactMap { try Self.tail($0, database, plan, position: positions[$0], context) }, missing)
        }
        schemaVersion = opened.0
        tails = opened.1
        dropped = opened.2
    }

    /// Arms and then looks again inside the transaction that `body` reads in, so that no ALTER TABLE slips in between.
    private static func inArmedTransaction<R>(
        _ database: Database, _ plan: SqliteSourcePlan, _ arming: Arming?, isFirst: Bool, _ context: any SourceTaskContext, _ body: ([Name]) throws -> R
    ) throws -> R {
        for _ in 0..<attemptsToArm {
            try arming?.arm(select(database, plan, isFirst: isFirst, context.logger), reader: database)
            try database.execute("BEGIN")
            defer { database.rollBack() }
            let tables = try select(database, plan, isFirst: isFirst, context.logger)
            if try arming?.isArmed(database, tables) != false { return try body(tables) }
        }
        throw ConnectError(.retriable, code: "sqlite.schema_changed", "the tables of \(plan.path) keep changing while they are armed")
    }

    private static let attemptsToArm = 5

    func close() {
        tails = []
        database.close()
    }

    func dataVersion() throws(SQLiteError) -> Int64 {
        defer { versionStatement.reset() }
        return try versionStatement.step() ? versionStatement.int64(at: 0) : -1
    }

    /// - Parameter body: is told whether the schema is still the one the tails were made for.
    func inReadTransaction(_ body: (Bool) throws -> Void) throws {
        try database.execute("BEGIN")
        defer { database.rollBack() }
        isSchemaKnown = try database.integer("PRAGMA schema_version") == schemaVersion
        try body(isSchemaKnown)
    }

    private static func select(_ database: Database, _ plan: SqliteSourcePlan, isFirst: Bool, _ logger: Logger) throws -> [Name] {
        let all = try SqliteCatalog.tables(database)
        let chosen = try all.filter { try plan.captures($0) }
        if isFirst, let name = SqliteCatalog.missing(plan.selection.plainNames, among: all).first {
            throw ConnectError(
                .fatal, code: "sqlite.missing_table", "\(plan.path) has no table \(name)", suggestion: SqliteCatalog.suggestion(for: name, among: all))
        }
        var topics: [Name: Name] = [:]
        for table in chosen {
            if let other = topics.updateValue(table, forKey: plan.topic(of: table)) {
                throw ConnectError(
                    .fatal, code: "sqlite.topic_clash", "tables \(other) and \(table) would share the topic \(plan.topic(of: table))",
                    suggestion: "capture them with two connectors of different topic.prefix, or leave one out")
            }
        }
        if chosen.isEmpty { logger.warning("no table of \(plan.path) is captured yet: none matches table.include.list and table.exclude.list") }
        return chosen
    }

    private static func tail(
        _ table: Name, _ database: Database, _ plan: SqliteSourcePlan, position kept: SqlitePosition?, _ context: any SourceTaskContext
    ) throws -> TableTail? {
        let catalog = try SqliteCatalog.columns(database, table)
        let offset = kept == nil ? try context.offset(TableTail.partition(table)) : nil
        let stored = try kept ?? offset.map { try SqlitePosition($0) }
        let storedUUID = try offset.flatMap { try SqlitePosition.uuid($0) }
        let found: SqliteHistory.Found
        let shapes: [TableShape]
        if plan.capture == .events {
            try EventTable.check(database, table, catalog, file: plan.path)
            shapes = [TableShape(firstSequence: 1, columns: TableShape.columns(of: catalog, keyColumns: plan.keyColumns[table]))]
            found = SqliteHistory.Found(
                uuid: "", lastSequence: try SqliteCatalog.sequence(database, table), isComplete: true, shapes: 1, timeAtOffset: nil)
        } else {
            // Armed by another process in this very moment, or dropped: the next look sees it.
            guard let memory = try Arming.memory(database, table), let uuid = try Arming.uuid(database) else { return nil }
            shapes = memory.shapes
            let lastSequence = try SqliteCatalog.sequence(database, ChangeTable.name(table))
            found = SqliteHistory.Found(
                uuid: uuid, lastSequence: lastSequence,
                isComplete: try memory.isComplete && (lastSequence == 0 || hasFirstChange(database, table)),
                shapes: shapes.count, timeAtOffset: try stored.flatMap { try time(database, table, of: $0.sequence) })
            if shapes.last?.keyIndexes.isEmpty == true {
                context.logger.warning("table \(table) has no primary key: its records have no key; name columns in message.key.columns to give them one")
            }
        }
        let position: SqlitePosition
        switch SqliteHistory.decide(stored: stored, storedUUID: plan.capture == .events ? nil : storedUUID, found: found, snapshot: plan.snapshot) {
        case .start(let start): position = start
        case .lost(let reason):
            guard let start = SqliteHistory.restart(plan.historyLost, found: found) else {
                throw ConnectError(
                    .fatal, code: "sqlite.history_lost", "table \(table) of \(plan.path): \(reason)",
                    suggestion: "set on.history.lost=earliest to deliver all rows again, latest to go on with new changes only, or put the right file back")
            }
            context.logger.warning("table \(table): \(reason); on.history.lost=\(plan.historyLost.rawValue) starts over")
            position = start
        }
        return TableTail(
            table, topic: plan.topic(of: table), shapes: shapes, position: position, uuid: found.uuid, isEvents: plan.capture == .events,
            identity: try RowIdentity(database, table, catalog), options: plan.records)
    }

    /// Rows of the change table may have been deleted by hand.
    private static func hasFirstChange(_ database: Database, _ table: Name) throws -> Bool {
        try database.integer("SELECT min(seq) FROM main.\(quotedIdentifier(ChangeTable.name(table).text))") == 1
    }

    private static func time(_ database: Database, _ table: Name, of sequence: Int64) throws -> Int64? {
        try database.integer("SELECT at FROM main.\(quotedIdentifier(ChangeTable.name(table).text)) WHERE seq = \(sequence)")
    }
}
