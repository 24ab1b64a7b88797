internal import ConnectRuntime
internal import Postgres

/// Tails the changes of a share of the tables. One thread calls it; see ``SourceTask``.
///
/// What it knows stands in two values, ``plan`` and ``tables``: a poll works on copies and keeps them only when it ends well, so that an error in
/// the middle, a lost session included, leaves everything as it was after the last good poll.
final class PostgresSourceTask: SourceTask {
    static let errorPrefix = "postgres.source"

    /// What is known of one captured table.
    struct TableState {
        var records: TableRecords
        var last: TailPosition.LastChange?
        /// The keys read by the backfill; `nil` when it is done.
        var backfill: Backfill?
        /// The snapshot of the last offset that was given out.
        var given: XidSnapshot?
        /// The same of the last one that is durable.
        var durable: XidSnapshot?
    }

    var options: SourceOptions?
    var context: (any SourceTaskContext)?

    var session: TailSession?
    var history = ServerHistory(system: "", timeline: 0)
    var database = ""
    var plan = TailPlan()
    var tables: [UInt32: TableState] = [:]
    var pace = Pace(wake: .poll, longestMilliseconds: 250)
    var chunk: Backfill.Chunk?
    /// Where the backfill's turn is.
    var turn = 0
    /// The last snapshot of a look, with what it must be fenced by before it is given out.
    var lastMoment: TailSession.Moment?
    var shape = ""
    /// The snapshot after which it was last compared.
    var shapeSeenAt: XidSnapshot?
    var upkeep = Upkeep()
    var health = Health()
    /// Tables that are named one by one and were there at the start, but are not now.
    var missing: [Name] = []
    /// Whether tables were looked at before: what is missing later on may come back.
    var hasConnected = false
    /// What the reader's row says.
    var movedTo: XidSnapshot?
    /// Rows to ask for at once: fewer where rows are long.
    var pageRows = 1

    private let dialect: PostgresSource.Dialect

    init(_ dialect: PostgresSource.Dialect) {
        self.dialect = dialect
    }

    func start(_ config: Config, context: any SourceTaskContext) throws {
        let options = try dialect.options(config)
        self.options = options
        self.context = context
        pageRows = options.batchRows
        upkeep = Upkeep(now: context.clock.monotonicNanoseconds())
        if !options.connection.ignored.isEmpty {
            context.logger.info("parameters of connection.url without meaning here: \(options.connection.ignored.joined(separator: ", "))")
        }
        try attempt("starting") { try connect(options, context) }
    }

    func poll(into batch: inout RecordBatch) throws {
        guard let options, let context else { return }
        let end = context.clock.monotonicNanoseconds() &+ 900_000_000
        let isDone = try attempt("reading changes") {
            while !context.wakeUp.isSet {
                if session == nil { try connect(options, context) }
                // Before the step: what comes behind one that moved the plan must not fail.
                if let session { try showHealth(session, options, context) }
                if let session { try step(session, options, context, into: &batch) }
                if !batch.isEmpty || context.clock.monotonicNanoseconds() >= end { return }
            }
        }
        // What a step left behind when it was given up goes with it: the plan did not move.
        if !isDone { batch.entries.removeAll(keepingCapacity: true) }
    }

    func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws {
        for (partition, offset) in offsets {
            guard let oid = tables.first(where: { $0.value.records.partition == partition })?.key else { continue }
            tables[oid]?.durable = try TailPosition(offset).from
        }
    }

    func stop() {
        session?.connection.close()
        session = nil
    }

    /// Runs a body; PostgreSQL's errors become the runner's. A session that is of no more use is closed, and the next poll makes a new one.
    /// - Returns: false when it gave up because the task is wanted.
    @discardableResult
    func attempt(_ doing: String, _ body: () throws -> Void) throws -> Bool {
        do {
            try body()
            return true
        } catch {
            // Whatever the session holds (a transaction, a lock) is not worth keeping after an error.
            session?.connection.close()
            session = nil
            pace.reset()
            chunk = nil
            let cause = ConnectError.postgres(error, PostgresSourceTask.errorPrefix, doing)
            // Giving up because the task is wanted is no failure.
            if cause.code == "\(PostgresSourceTask.errorPrefix).interrupted", context?.wakeUp.isSet == true { return false }
            throw cause
        }
    }
}
