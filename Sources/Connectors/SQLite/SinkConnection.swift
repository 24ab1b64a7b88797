internal import ConnectRuntime
internal import SQLite

/// The sink's connection to its file, with the statements that every batch needs.
final class SinkConnection {
    let database: Database
    let advance: Statement
    private let plan: SqliteSinkPlan
    private let schemaStatement: Statement
    private var schemaVersion: Int64 = -1
    var fault: ((String) throws -> Void)?

    /// How long one statement waits for a lock before the wake-up is looked at again.
    private static let lockStepMilliseconds: Int32 = 200

    init(_ plan: SqliteSinkPlan, logger: Logger) throws {
        self.plan = plan
        let isNew = FileIdentity(plan.path) == nil
        let database = try Database(path: plan.path, mode: .create, busyTimeout: Self.lockStepMilliseconds)
        self.database = database
        if isNew {
            _ = try database.text("PRAGMA journal_mode = WAL")
            logger.info("made \(plan.path)")
        } else {
            try database.setNoCheckpointOnClose(true)
        }
        try database.execute("PRAGMA synchronous = FULL")
        if try SqliteCatalog.sql(database, type: "table", name: SinkOffsets.table) == nil {
            try database.transaction(.immediate) { try SinkOffsets.makeTable(database) }
        }
        advance = try SinkOffsets.prepareAdvance(database)
        schemaStatement = try database.prepare("PRAGMA schema_version")
    }

    /// Takes the write lock, in steps so that a stop is noticed.
    func begin(wake: WakeUp) throws {
        try fault?("begin")
        var waited = 0
        while true {
            do {
                return try database.execute(TransactionKind.immediate.rawValue)
            } catch {
                waited += Int(Self.lockStepMilliseconds)
                if error.code != .busy || waited >= plan.lockMilliseconds || wake.isSet { throw error }
            }
        }
    }

    /// Whether somebody changed the schema since the last call. Inside a transaction.
    func hasNewSchema() throws -> Bool {
        let version = try readSchemaVersion()
        if version == schemaVersion { return false }
        schemaVersion = version
        return true
    }

    /// Our own change is no news, once it is committed.
    func noteOwnSchemaChange() throws { schemaVersion = try readSchemaVersion() }
    func distrustSchema() { schemaVersion = -1 }

    private func readSchemaVersion() throws -> Int64 {
        defer { schemaStatement.reset() }
        return try schemaStatement.step() ? schemaStatement.int64(at: 0) : -1
    }
}
