internal import ConnectRuntime
internal import Postgres

/// The tail's session: its statements, prepared, and what they answer. Used on the task's thread.
final class TailSession {
    let connection: Connection
    let reader: String
    private let options: SourceOptions
    private let context: any SourceTaskContext

    /// How long the last wait for a flush took.
    private(set) var fenceMicroseconds: Int64 = 0
    private var isMomentPrepared = false
    /// The page behind the one that is read now.
    private var pageAhead: PageFetch?

    struct Moment {
        let snapshot: XidSnapshot
        /// The log's end when the snapshot was taken: it bounds everything the snapshot calls finished.
        let pending: LogPosition
        let flushed: LogPosition
    }

    struct Look {
        let moment: Moment
        let rows: KeptRows
        /// How many changes; without any there is a row all the same.
        let rowCount: Int
        /// Columns in front of the change's own.
        static let leadingColumns = 3
    }

    init(_ options: SourceOptions, context: any SourceTaskContext) throws {
        self.options = options
        self.context = context
        reader = "\(context.connector)/\(context.task)"
        // Forced flushes must reach the local disk, and need not wait for standbys.
        let settings = SessionSettings.pinned.adding("search_path", "pg_catalog").adding("synchronous_commit", "local").adding("jit", "off")
        connection = try Connection.open(
            options.connection, settings: settings, timeoutMilliseconds: options.connectionTimeout,
            interruption: Connection.Interruption(descriptor: context.wakeUp.fileDescriptor, graceMilliseconds: TailSession.graceMilliseconds))
    }

    /// How long a statement goes on after the task is wanted elsewhere.
    static let graceMilliseconds = 3000

    /// Prepares what the tail repeats; the change table must be there.
    func prepare() throws {
        try connection.prepare("look", TailSQL.look)
        try connection.prepare("flushed", TailSQL.flushed)
        try connection.prepare("oldest transaction", TailSQL.oldestTransaction)
        if options.arming.keepsReader {
            try connection.prepare("force", TailSQL.forceFlush)
            try connection.prepare("oldest reader", TailSQL.oldestReader)
        }
        if options.wake == .notifyIdle { try connection.execute(TailSQL.listen) }
    }

    /// Prepares the look at the tables' shape. Their numbers stand in its text: without parameters it is planned once.
    func prepareShape(of tables: some Sequence<UInt32>) throws {
        try connection.prepare("shape", TailSQL.shape(of: "'\(TailSession.list(Set(tables)))'"))
    }

    /// Prepares what reading tables as they are needs: nothing of it needs a right or a table of ours.
    func prepareForRows() throws {
        try connection.prepare("flushed", TailSQL.flushed)
        if options.fence == .tailRow { try connection.prepare("force", TailSQL.forceFlushByMessage) }
    }

    /// - Parameter readsChanges: whether the change table is looked at.
    func server(readsChanges: Bool = true) throws -> (server: StartChecks.Server, database: String) {
        try StartChecks.Server.read(connection, readsChanges: readsChanges && connection.execute("SELECT pg_catalog.to_regclass('connectd.change') IS NOT NULL").boolean(0, 0))
    }

    func moment() throws -> Moment {
        if !isMomentPrepared { try connection.prepare("moment", TailSQL.snapshot) }
        isMomentPrepared = true
        return try TailSession.moment(connection.executePrepared("moment", binary: true))
    }

    /// - Parameters:
    ///   - limit: the most changes.
    ///   - bytes: about the most bytes of changes.
    func look(_ group: TailPlan.Group, limit: Int, bytes: Int) throws -> Look {
        let running = "{" + group.from.running.map(String.init).joined(separator: ",") + "}"
        var rows = KeptRows(limit: bytes)
        try connection.executePrepared(
            "look",
            [.text(String(group.from.xmax)), .text(running), .text(TailSession.list(group.tables)), .text(String(limit))], binary: true) { rows.keep($0) }
        return try TailSession.look(rows)
    }

    /// Reads a page, or takes it where it was read ahead.
    func page(_ wanted: PageFetch) throws -> PageFetch {
        if let there = pageAhead, there.begins(as: wanted) {
            pageAhead = nil
            try connection.takeCopied(waits: true)
            return there
        }
        try readAhead(wanted)
        pageAhead = nil
        try connection.takeCopied(waits: true)
        return wanted
    }

    /// Has the server work on a page while the one before it is made into records.
    func readAhead(_ page: PageFetch) throws {
        pageAhead = page
        try connection.sendCopyOut(page.sql) { page.rows.append($0) }
    }

    /// What the rows of a look say: each has the moment in front, and the first is there without changes too.
    static func look(_ rows: KeptRows) throws -> Look {
        guard let first = rows.rows.first else { throw TailSession.notUnderstood }
        return Look(moment: try moment(first), rows: rows, rowCount: first.isNull(0, Look.leadingColumns) ? 0 : rows.count)
    }

    private static let notUnderstood = ConnectError(
        .fatal, code: "postgres.source.server", "the server's snapshot is in a form that is not understood")

    static func list(_ tables: Set<UInt32>) -> String { "{" + tables.sorted().map(String.init).joined(separator: ",") + "}" }

    private static func moment(_ result: QueryResult) throws -> Moment {
        func position(_ column: Int) -> LogPosition? {
            result.withBytes(0, column) { $0.flatMap { BinaryForm.integer($0, as: UInt64.self) } }.map { LogPosition($0) }
        }
        guard result.rowCount > 0, let snapshot = result.text(0, 0).flatMap({ XidSnapshot($0) }), let pending = position(1), let flushed = position(2) else {
            throw notUnderstood
        }
        return Moment(snapshot: snapshot, pending: pending, flushed: flushed)
    }

    /// Waits until the log is flushed past everything a snapshot calls finished.
    func fence(_ moment: Moment) throws {
        let start = context.clock.monotonicNanoseconds()
        defer { fenceMicroseconds = Int64((context.clock.monotonicNanoseconds() &- start) / 1000) }
        var fence = FlushFence(pending: moment.pending, force: options.fence)
        let began = context.clock.monotonicNanoseconds()
        var flushed = moment.flushed
        while true {
            switch fence.next(flushed: flushed, waitedMicroseconds: Int((context.clock.monotonicNanoseconds() &- began) / 1000)) {
            case .passed: return
            case .look(let microseconds):
                microsleep(microseconds)
                let result = try connection.executePrepared("flushed")
                flushed = result.text(0, 0).flatMap { LogPosition($0) } ?? flushed
            case .force:
                try connection.executePrepared("force", [.text(reader)])
                let result = try connection.executePrepared("flushed")
                flushed = result.text(0, 0).flatMap { LogPosition($0) } ?? flushed
            case .giveUp:
                throw ConnectError(
                    .retriable, code: "postgres.source.not_flushed", "the server has not flushed its log up to \(moment.pending) for 10 s",
                    suggestion: "look at the server's disk")
            }
        }
    }
}
