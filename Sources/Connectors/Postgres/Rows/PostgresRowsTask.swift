internal import ConnectRuntime
internal import Postgres

/// Reads tables as they are, without triggers: event tables by their transactions' numbers or by gaps, and the JDBC source's modes.
/// One thread calls it; see ``SourceTask``.
///
/// A turn reads one page of one table and changes that table's ``Tail`` only when it ends well.
final class PostgresRowsTask: SourceTask {
    static let errorPrefix = PostgresSourceTask.errorPrefix

    /// What is known of one table.
    struct Tail {
        var records: TableRecords
        let sql: RowSQL
        let partition: SourcePartition
        var place: Place
        /// When it may be looked at again, on the monotonic clock.
        var due: UInt64 = 0

        /// Whether it begins with what comes from now on and no offset says so yet.
        var isUnstored: Bool {
            guard case .events(let place) = place else { return false }
            return place.given == nil && place.to == nil
        }
    }

    enum Place {
        case events(EventTail)
        case fence(FenceTail)
        case keyset(RowPosition.Keyset)
        /// Whether its rows are being read, and how many were.
        case bulk(isOpen: Bool)
    }

    let options: SourceOptions
    var context: (any SourceTaskContext)?
    var session: TailSession?
    var history = ServerHistory(system: "", timeline: 0)
    var database = ""
    /// Whether the server is a standby: its rows are durable on the primary.
    var isStandby = false
    var tails: [UInt32: Tail] = [:]
    /// In their order, for turns.
    var order: [UInt32] = []
    var turn = 0
    var shape = ""
    var upkeep = Upkeep()
    var emptyRounds = 0
    /// When the first of them was, on the monotonic clock.
    private var emptySince: UInt64 = 0
    /// Rows to ask for at once: fewer where rows are long.
    var pageRows: Int
    var health = RowHealth()
    /// Tables that are named one by one and were there at the start, but are not now.
    var missing: [Name] = []
    /// Whether tables were looked at before: what is missing later on may come back.
    var hasConnected = false
    /// Fetched of a whole table and not delivered yet.
    var bulkRows: FetchedRows?

    init(_ options: SourceOptions) {
        self.options = options
        pageRows = options.batchRows
    }

    func start(_ config: Config, context: any SourceTaskContext) throws {
        self.context = context
        upkeep = Upkeep(now: context.clock.monotonicNanoseconds())
        if !options.connection.ignored.isEmpty {
            context.logger.info("parameters of connection.url without meaning here: \(options.connection.ignored.joined(separator: ", "))")
        }
        if let warning = options.mode.warning { context.logger.warning(warning) }
        try attempt("starting") { try connect(context) }
    }

    func poll(into batch: inout RecordBatch) throws {
        guard let context else { return }
        let end = context.clock.monotonicNanoseconds() &+ 900_000_000
        let isDone = try attempt("reading rows") {
            while !context.wakeUp.isSet {
                if session == nil { try connect(context) }
                if let session { try round(session, context, into: &batch) }
                let now = context.clock.monotonicNanoseconds()
                if !batch.isEmpty || now >= end { return }
                rest(context, until: end)
            }
        }
        if !isDone { batch.entries.removeAll(keepingCapacity: true) }
    }

    func stop() {
        session?.connection.close()
        session = nil
    }

    /// One turn for each table, until one had something.
    private func round(_ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        let now = context.clock.monotonicNanoseconds()
        if upkeep.isShapeDue(now), try isAltered(session) { return leave(session) }
        for _ in order.indices {
            turn = (turn + 1) % order.count
            guard let tail = tails[order[turn]], now >= tail.due else { continue }
            // A whole table is read to its end before the next.
            if case .bulk = tail.place, let open = openBulk, open != order[turn] { continue }
            try advance(order[turn], session, context, into: &batch)
            if !batch.isEmpty {
                emptyRounds = 0
                return
            }
        }
        if emptyRounds == 0 { emptySince = now }
        emptyRounds += 1
        if upkeep.isPersistDue(now, every: options.idlePersist) || tails.contains(where: { $0.value.isUnstored }) { try persistIdle(session, into: &batch) }
    }

    private func advance(_ table: UInt32, _ session: TailSession, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        guard let tail = tails[table] else { return }
        do throws(any Error) {
            switch tail.place {
            case .events(let place): try readEvents(table, place, session, context, into: &batch)
            case .fence(let place): try readFenced(table, place, session, context, into: &batch)
            case .keyset(let place): try readKeyset(table, place, session, context, into: &batch)
            case .bulk(let isOpen): try readBulk(table, isOpen, session, context, into: &batch)
            }
        } catch {
            guard let problem = error as? PostgresError, problem.has("42P01", "42703", "42883", "42804") else { throw error }
            // The table was altered or dropped since we looked: look again.
            throw ConnectError(
                .retriable, code: "postgres.source.table_changed", "table \(tail.records.table.display) was altered or dropped while its rows were read: \(problem.message)",
                suggestion: "the source looks at its tables anew; a table that is gone for good is taken out of table.include.list")
        }
    }

    private var openBulk: UInt32? {
        tails.first { if case .bulk(isOpen: true) = $0.value.place { true } else { false } }?.key
    }

    private func rest(_ context: any SourceTaskContext, until end: UInt64) {
        if emptyRounds == 0 { return }
        let now = context.clock.monotonicNanoseconds()
        let left = end > now ? Int((end - now) / 1_000_000) + 1 : 1
        var milliseconds = Pace.rest(afterQuiet: Int(clamping: (now &- emptySince) / 1_000_000), longest: options.pollInterval)
        if !options.mode.isTail {
            // The JDBC source looks at fixed times.
            let due = tails.values.map(\.due).min() ?? now &+ 1_000_000_000
            milliseconds = due > now ? Int((due - now) / 1_000_000) + 1 : 1
        } else if tails.isEmpty {
            milliseconds = 1000
        } else {
            let isWaiting = tails.values.contains { if case .fence(let place) = $0.place { place.waiting != nil } else { false } }
            milliseconds = min(milliseconds, isWaiting ? PostgresRowsTask.longestGapRest : options.pollInterval)
        }
        _ = context.wakeUp.wait(milliseconds: max(1, min(milliseconds, left)))
    }

    /// Who fills a gap ends soon: worth looking often.
    static let longestGapRest = 20

    /// Runs a body; PostgreSQL's errors become the runner's, and the next poll makes a new session.
    /// - Returns: false when it gave up because the task is wanted.
    @discardableResult
    private func attempt(_ doing: String, _ body: () throws -> Void) throws -> Bool {
        do {
            try body()
            return true
        } catch {
            if let session { leave(session) }
            let cause = ConnectError.postgres(error, PostgresRowsTask.errorPrefix, doing)
            if cause.code == "\(PostgresRowsTask.errorPrefix).interrupted", context?.wakeUp.isSet == true { return false }
            throw cause
        }
    }

    /// Ends the session; whatever was open in it begins anew.
    func leave(_ session: TailSession) {
        session.connection.close()
        self.session = nil
        bulkRows = nil
        for (table, tail) in tails {
            if case .bulk(isOpen: true) = tail.place { tails[table]?.place = .bulk(isOpen: false) }
        }
    }
}

extension PostgresSourceSettings.Mode {
    /// Whether rows are looked for as soon as they come; the JDBC source's modes look each `poll.interval.ms`.
    var isTail: Bool { self == .snapshot || self == .fence }

    /// What a mode can lose and which one does not; `nil` for ours.
    var warning: String? {
        let better = "mode=fence reads such tables as they are and loses nothing; mode=snapshot captures updates and deletions too"
        return switch self {
        case .snapshot, .fence: nil
        case .incrementing:
            "mode=incrementing loses rows: one whose transaction commits after a later number was read is never delivered, and updates and deletions are not seen; \(better)"
        case .timestamp:
            "mode=timestamp loses rows: one whose transaction commits after a later time was read is never delivered (timestamp.delay.interval.ms only guesses how long that takes), and deletions are not seen; mode=snapshot captures every change and loses none"
        case .timestampIncrementing:
            "mode=timestamp+incrementing loses rows: one whose transaction commits after a later time was read is never delivered (timestamp.delay.interval.ms only guesses how long that takes), and deletions are not seen; mode=snapshot captures every change and loses none"
        case .bulk:
            "mode=bulk delivers whole tables again each poll.interval.ms, does not see deletions, and begins anew after a restart; mode=snapshot delivers them once and then each change"
        }
    }
}
