internal import ConnectRuntime
internal import SQLite

/// Reads a SQLite file's changes on one thread: looks when somebody wrote, reads pages in short read transactions, never holds one while it waits.
final class SqliteSourceTask: SourceTask {
    private var settings: SqliteSourcePlan?
    private var context: (any SourceTaskContext)?
    private var attachment: SqliteAttachment?
    private var watcher: FileWatcher?
    /// Positions outlive an attachment: the last good poll ended there.
    private var positions: [Name: SqlitePosition] = [:]
    private var hasBeenAttached = false
    private var knownAsDropped: [Name] = []
    private var nextTable = 0
    private var hasMore = true
    private var seenVersion: Int64 = -1
    private var nextIdentityCheck: UInt64 = 0

    private let isJDBC: Bool

    /// - Parameter isJDBC: whether topics and records are the JDBC source's: `<prefix><table>`, flat rows, no key.
    init(isJDBC: Bool = false) { self.isJDBC = isJDBC }

    func start(_ config: Config, context: any SourceTaskContext) throws {
        let plan = try SqliteSourcePlan(config, context, isJDBC: isJDBC)
        settings = plan
        self.context = context
        try attach(plan, context)
        watcher = FileWatcher(plan.path)
        if watcher?.isActive != true { context.logger.warning("no inotify here: changes are looked for every \(plan.pollMilliseconds) ms") }
    }

    func poll(into batch: inout RecordBatch) throws {
        guard let settings, let context else { return }
        do {
            try look(settings, context, &batch)
        } catch let error as SQLiteError {
            // A connection that failed is not trusted further; the next poll opens a new one.
            if !error.mayPass { detach() }
            throw error.connectError("cannot read changes", file: settings.path)
        }
    }

    private func look(_ settings: SqliteSourcePlan, _ context: any SourceTaskContext, _ batch: inout RecordBatch) throws {
        let end = context.clock.monotonicNanoseconds() &+ 1_000_000_000
        var quickLooks = 0
        while true {
            try checkIdentity(settings, context)
            if attachment == nil { try attach(settings, context) }
            guard let attachment else { return }
            let version = try attachment.dataVersion()
            if hasMore || version != seenVersion {
                try readPages(attachment, settings, context, &batch)
                seenVersion = version
                if !batch.isEmpty { return }
                if hasMore { continue }
            }
            let now = context.clock.monotonicNanoseconds()
            if now >= end || context.wakeUp.isSet { return }
            let left = Int((end - now) / 1_000_000) + 1
            // A write is reported before its commit can be seen: look again quickly for a while, then sleep.
            let isQuick = quickLooks > 0
            if isQuick { quickLooks -= 1 }
            let wrote = watcher?.wait(milliseconds: isQuick ? 1 : min(left, settings.pollMilliseconds), wake: context.wakeUp) ?? false
            if wrote { quickLooks = 20 }
        }
    }

    /// One read transaction over all tables, round robin so that none starves.
    private func readPages(
        _ attachment: SqliteAttachment, _ settings: SqliteSourcePlan, _ context: any SourceTaskContext, _ batch: inout RecordBatch
    ) throws {
        let tails = attachment.tails
        for tail in tails { tail.begin() }
        var more = false
        try attachment.inReadTransaction { isSchemaKnown in
            guard isSchemaKnown else {
                more = true
                return
            }
            let now = context.clock.wallMilliseconds()
            for turn in tails.indices {
                let tail = tails[(nextTable &+ turn) % tails.count]
                let left = settings.batchRows - batch.count
                if left <= 0 {
                    more = true
                    break
                }
                if try tail.read(attachment.database, rows: left, bytes: settings.batchBytes, now: now, into: &batch) { more = true }
            }
        }
        if !attachment.isSchemaKnown {
            // Tables changed, came or went: arm what needs it, and go on from where the last good poll ended.
            detach()
            try attach(settings, context)
            return
        }
        nextTable = tails.isEmpty ? 0 : (nextTable + 1) % tails.count
        for tail in tails {
            tail.commit()
            positions[tail.table] = tail.position
        }
        hasMore = more
    }

    func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws {
        guard let settings, settings.prune, let tails = attachment?.tails else { return }
        for (partition, offset) in offsets {
            guard let tail = tails.first(where: { $0.partition == partition }) else { continue }
            try translatingSQLite("cannot prune \(ChangeTable.name(tail.table))", file: settings.path) {
                try Pruning.prune(settings.path, tail.table, upTo: SqlitePosition(offset).sequence)
            }
        }
    }

    func stop() {
        detach()
        watcher = nil
    }

    // MARK: the file

    private func attach(_ settings: SqliteSourcePlan, _ context: any SourceTaskContext) throws {
        try translatingSQLite("cannot start to capture", file: settings.path) {
            attachment = try SqliteAttachment(settings, positions: positions, isFirst: !hasBeenAttached, context: context)
        }
        hasBeenAttached = true
        sayWhatWasDropped(attachment?.dropped ?? [], settings, context)
        hasMore = true
        seenVersion = -1
    }

    private func sayWhatWasDropped(_ dropped: [Name], _ settings: SqliteSourcePlan, _ context: any SourceTaskContext) {
        guard dropped != knownAsDropped else { return }
        knownAsDropped = dropped
        if dropped.isEmpty { return context.note(nil) }
        let what = "\(dropped.map { "table \($0)" }.joined(separator: ", ")) of \(settings.path) was dropped: the other tables go on, and it is captured again once it is back"
        context.logger.warning(what)
        context.note(what)
    }

    private func detach() {
        attachment?.close()
        attachment = nil
    }

    /// Once a second: whether the path still leads to the file that is open.
    private func checkIdentity(_ settings: SqliteSourcePlan, _ context: any SourceTaskContext) throws {
        let now = context.clock.monotonicNanoseconds()
        guard now >= nextIdentityCheck else { return }
        nextIdentityCheck = now &+ 1_000_000_000
        guard let attachment else { return }
        let identity = FileIdentity(settings.path)
        if identity == attachment.identity { return }
        detach()
        if identity == nil {
            throw ConnectError(
                .retriable, code: "sqlite.missing", "\(settings.path) is gone", suggestion: "put the file back; the task goes on by itself")
        }
        context.logger.warning("\(settings.path) is another file now: it is opened and checked again")
    }
}
