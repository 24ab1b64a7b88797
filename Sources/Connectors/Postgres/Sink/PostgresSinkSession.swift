internal import ConnectRuntime
internal import Postgres

/// The sink's session with its target. Statements are kept back and sent together, so that a small batch costs one round trip. Used on the task's thread.
final class PostgresSinkSession: SinkSession {
    typealias Statements = PostgresStatements

    let connection: Connection
    let plan: PostgresSinkPlan
    let connector: Name
    let logger: Logger
    let context: any SinkTaskContext
    var loops: LoopWatch
    let positions: PostgresPositions
    /// Whether this role may make temporary tables here.
    let stages: Bool
    /// What is kept back, with what each is for.
    private var queue: [(statement: PipelineStatement, purpose: Purpose)] = []
    /// Names of prepared statements by their text, and of stages by their columns: tables that are looked at anew need no new ones.
    private var statementNames: [Name: String] = [:]
    private var stageNames: [Name: String] = [:]
    /// Stages that hold rows of the present transaction.
    var usedStages: Set<String> = []
    var fault: ((String) throws -> Void)?

    enum Purpose { case control, write, commit, fence(TopicPartition, SinkClaim) }

    /// The longest a transaction of ours may idle on the server: a stalled zombie gives its locks up by then.
    private static let idleMilliseconds = 60_000
    /// How long a statement goes on after the task is wanted elsewhere.
    static let graceMilliseconds = 3000

    static func open(_ plan: PostgresSinkPlan, interruption: Connection.Interruption) throws(PostgresError) -> Connection {
        let settings = SessionSettings.pinned
            .adding("lock_timeout", String(plan.rows.lockMilliseconds == 0 ? 1 : plan.rows.lockMilliseconds)).adding("statement_timeout", String(plan.statementTimeout))
            .adding("idle_in_transaction_session_timeout", String(idleMilliseconds)).adding("jit", "off").adding("client_min_messages", "warning")
        return try Connection.open(plan.connection, settings: settings, timeoutMilliseconds: plan.connectionTimeout, interruption: interruption)
    }

    init(_ plan: PostgresSinkPlan, context: any SinkTaskContext) throws {
        self.plan = plan
        connector = context.connector
        logger = context.logger
        self.context = context
        positions = PostgresPositions(schema: plan.positionSchema)
        connection = try PostgresSinkSession.open(
            plan, interruption: Connection.Interruption(descriptor: context.wakeUp.fileDescriptor, graceMilliseconds: PostgresSinkSession.graceMilliseconds))
        do throws(PostgresError) {
            stages = try connection.execute("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')").boolean(0, 0)
            loops = LoopWatch(try DatabaseIdentity.read(connection))
            try positions.make(connection)
            try connection.prepare("connectd_advance", positions.advanceSQL, types: PostgresPositions.advanceTypes)
        } catch {
            connection.close()
            throw error
        }
    }

    // MARK: what is kept back

    func ask(_ statement: PipelineStatement, _ purpose: Purpose = .control) { queue.append((statement, purpose)) }

    /// Sends what is kept back and reads the answers.
    func settle() throws {
        if queue.isEmpty { return }
        let asked = queue
        queue = []
        unsentSavepoint = nil
        do throws(PipelineError) {
            _ = try connection.pipeline(asked.map(\.statement))
        } catch {
            if error.index < asked.count, case .fence(let partition, let claim) = asked[error.index].purpose, error.error.has(PostgresPositions.missed) {
                throw Missed(partition: partition, claim: claim)
            }
            throw error.error
        }
    }

    /// The fence hit no row: why, only the row can tell.
    struct Missed: Error {
        let partition: TopicPartition
        let claim: SinkClaim
    }

    /// The name of a statement that is prepared once per session.
    func prepared(_ sql: String) throws -> String {
        if let name = statementNames[Name(sql)] { return name }
        let name = "connectd_\(statementNames.count + 1)"
        try settle()
        try connection.prepare(name, sql)
        statementNames[Name(sql)] = name
        return name
    }

    /// The name of the stage that has these columns.
    func stage(_ columns: String) -> String {
        if let name = stageNames[Name(columns)] { return name }
        let name = "pg_temp.connectd_stage_\(stageNames.count + 1)"
        stageNames[Name(columns)] = name
        return name
    }

    /// What the server keeps for a session is bounded: then another takes its place.
    var isWornOut: Bool { statementNames.count + stageNames.count > PostgresSinkSession.mostKept }
    private static let mostKept = 1000

    /// Runs one statement now, behind everything that is kept back.
    @discardableResult
    func run(_ sql: String, _ parameters: [Parameter] = []) throws -> QueryResult {
        try settle()
        return try connection.query(sql, parameters)
    }

    // MARK: the transaction

    func begin(wake: WakeUp) throws {
        try reach("begin")
        queue = []
        usedStages = []
        ask(.sql("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"))
    }

    func advance(_ partition: TopicPartition, _ claim: SinkClaim, to next: Int64, logEpoch: Int32?) throws {
        ask(
            .prepared("connectd_advance", positions.advanceParameters(connector: connector, partition, claim, to: next, logEpoch: logEpoch)),
            .fence(partition, claim))
    }

    func commit() throws {
        ask(.sql("COMMIT"), .commit)
        isCommitting = true
        try settle()
        isCommitting = false
        try reach("committed")
    }

    /// Whether a COMMIT may be on its way.
    private(set) var isCommitting = false

    func rollBack() {
        queue = []
        isCommitting = false
        guard connection.isInTransaction else { return }
        do { try connection.execute("ROLLBACK") } catch { connection.close() }
    }

    func setSavepoint() throws {
        unsentSavepoint = queue.count
        ask(.sql("SAVEPOINT attempt"))
    }
    func releaseSavepoint() throws { ask(.sql("RELEASE SAVEPOINT attempt")) }
    func returnToSavepoint() throws {
        if let unsentSavepoint {
            // Nothing behind it has reached the server; what stands before it must.
            queue.removeLast(queue.count - unsentSavepoint)
        } else {
            queue = []
            try connection.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")
        }
    }
    /// Where the savepoint stands in what is kept back, while it is.
    private var unsentSavepoint: Int?

    /// Around a change of a table that may fail.
    func setInnerSavepoint() throws { try run("SAVEPOINT change") }
    func releaseInnerSavepoint() throws { try run("RELEASE SAVEPOINT change") }
    func returnToInnerSavepoint() throws {
        try run("ROLLBACK TO SAVEPOINT change")
        try releaseInnerSavepoint()
    }

    func settleConstraints() throws {
        if hasDeferredConstraints { ask(.sql("SET CONSTRAINTS ALL IMMEDIATE")) }
        try settle()
    }
    /// Whether a table of this session has constraints that are checked at COMMIT.
    var hasDeferredConstraints = false

    var isInTransaction: Bool { connection.isOpen }

    /// The catalogue is read in every transaction that needs it; that a table changed shows in the errors.
    func hasNewSchema() throws -> Bool { false }
    func schemaChangeEnded(committed: Bool) throws {}

    func reach(_ point: String) throws { try fault?(point) }
}
