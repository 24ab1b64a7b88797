internal import ConnectRuntime
internal import SQLite

/// The sink's connection to its file, with the statements that every batch needs.
final class SqliteSinkSession: SinkSession {
    let database: Database
    let advanceStatement: Statement
    /// The file that is open, which the path need not lead to any more.
    let identity: FileIdentity?
    let plan: SqliteSinkPlan
    let connector: Name
    let logger: Logger
    private let schemaStatement: Statement
    private var schemaVersion: Int64 = -1
    var fault: ((String) throws -> Void)?
    let known = SqliteTarget.KnownTables()
    let scratch = TextScratch()
    /// The log's stable id.
    private let cluster: String
    /// Topics whose partitions the task has.
    var topics: Set<Name> = []

    /// How long one statement waits for a lock before the wake-up is looked at again.
    private static let lockStepMilliseconds: Int32 = 200

    init(_ plan: SqliteSinkPlan, connector: Name, cluster: String, logger: Logger) throws {
        self.plan = plan
        self.cluster = cluster
        self.connector = connector
        self.logger = logger
        try checkIsRegularFile(plan.path)
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
        if try SqliteCatalog.sql(database, type: "table", name: SqlitePositions.table) == nil {
            try database.transaction(.immediate) { try SqlitePositions.makeTable(database) }
        }
        identity = FileIdentity(plan.path)
        advanceStatement = try SqlitePositions.prepareAdvance(database)
        schemaStatement = try database.prepare("PRAGMA schema_version")
    }

    /// Takes the write lock, in steps so that a stop is noticed.
    /// - Throws: `.retriable` when the path leads to another file or none; the connection is closed then, since nobody would see what it writes.
    func begin(wake: WakeUp) throws {
        try fault?("begin")
        let found = FileIdentity(plan.path)
        if found != identity {
            database.close()
            throw Self.gone(plan.path, isReplaced: found != nil)
        }
        var waited = 0
        while true {
            do {
                return try database.execute(TransactionKind.immediate.rawValue)
            } catch {
                waited += Int(Self.lockStepMilliseconds)
                if error.code != .busy || waited >= plan.rows.lockMilliseconds || wake.isSet { throw error }
            }
        }
    }

    static func gone(_ path: String, isReplaced: Bool) -> ConnectError {
        ConnectError(
            .retriable, code: "sink.target_gone", isReplaced ? "\(path) is another file now" : "\(path) is gone",
            suggestion: "put the file back and the task goes on by itself; to rebuild it, stop the connector and reset its offsets")
    }

    /// Whether somebody changed the schema since the last call. Inside a transaction.
    func hasNewSchema() throws -> Bool {
        let version = try readSchemaVersion()
        if version == schemaVersion { return false }
        schemaVersion = version
        try refuseLoops()
        return true
    }

    /// Whether a table that is captured into one of the task's topics is where that topic goes. Inside a transaction.
    func refuseLoops() throws {
        guard let identity else { return }
        for mark in try CaptureMark.all(database, cluster: cluster, file: identity) {
            if let error = mark.loop(plan, topics: topics) {
                schemaVersion = -1
                throw error
            }
        }
    }

    /// Our own change is no news, once it is committed.
    func schemaChangeEnded(committed: Bool) throws { schemaVersion = committed ? try readSchemaVersion() : -1 }

    private func readSchemaVersion() throws -> Int64 {
        defer { schemaStatement.reset() }
        return try schemaStatement.step() ? schemaStatement.int64(at: 0) : -1
    }
}
