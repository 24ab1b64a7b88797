internal import ConnectRuntime
internal import Postgres

extension PostgresSourceTask {
    /// One thing: a look, a page, a chunk, a rest. May leave the batch empty.
    func step(_ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        switch plan.next {
        case .nothing:
            // Tables may come: look again each second.
            _ = context.wakeUp.wait(milliseconds: 1000)
            if try !ChosenTables(PostgresCatalog(connection: session.connection), options).chosen.isEmpty {
                reconnect(session)
            }
        case .align:
            let moment = try session.moment()
            try session.fence(moment)
            plan.align(at: moment.snapshot)
            lastMoment = moment
        case .send(let group): try send(group, session, options, context, into: &batch)
        case .look:
            if let chunk {
                try deliver(chunk, options, context, into: &batch)
                return
            }
            if tables.contains(where: { $0.value.backfill != nil }) {
                try look(session, options, context, isBackfilling: true, into: &batch)
                return
            }
            try rest(session, options, context, into: &batch)
        }
    }

    private func rest(_ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext, into batch: inout RecordBatch) throws {
        switch pace.next() {
        case .look:
            try look(session, options, context, isBackfilling: false, into: &batch)
            if batch.isEmpty { try tend(session, options, context, into: &batch) }
        case .peek:
            let moment = try session.moment()
            if plan.groups.first?.from == moment.snapshot {
                // Nobody has finished since: there is nothing to look for.
                lastMoment = moment
                pace.found(0)
            } else {
                try look(session, options, context, isBackfilling: false, into: &batch)
            }
            if batch.isEmpty { try tend(session, options, context, into: &batch) }
        case .rest(let milliseconds), .sleep(let milliseconds):
            // Without the lock as well: what wakes another sleeper of this database is mostly ours too.
            let isWoken = try session.connection.waitForNotification(milliseconds: milliseconds) == .notified
            _ = try session.connection.takeNotifications()
            if isWoken { pace.woken() } else { pace.rested() }
        case .tryToSleep: pace.lock(granted: try session.connection.execute(TailSQL.tryLock).boolean(0, 0))
        case .giveLockBack:
            try session.connection.execute(TailSQL.unlock)
            pace.gaveLockBack()
        }
    }

    /// Asks what is new, and in the same snapshot for the next chunk of a table that is backfilled.
    private func look(
        _ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext, isBackfilling: Bool, into batch: inout RecordBatch
    ) throws {
        guard let group = plan.groups.first else { return }
        var chunk: Backfill.Chunk?
        if isBackfilling { try session.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") }
        let limit = pageRows
        let look = try session.look(group, limit: limit, bytes: options.batchBytes)
        if isBackfilling {
            chunk = try readChunk(session, context)
            try session.connection.execute("COMMIT")
        }
        lastMoment = look.moment
        pace.found(look.rowCount)
        if look.rowCount == 0, chunk == nil {
            plan.complete(at: look.moment.snapshot)
            return
        }
        try session.fence(look.moment)
        var next = plan, states = tables
        let isComplete = look.rowCount < limit && !look.rows.isCut
        var page = Page(now: context.clock.wallMilliseconds())
        for row in look.rows.rows.prefix(look.rowCount) {
            try ChangeRow.lend(row, 0, from: TailSession.Look.leadingColumns) { change in
                if page.isPieceFull(before: change) {
                    var part = plan
                    part.begin(to: look.moment.snapshot, sent: page.lastID)
                    closePiece(&page, part, look.moment.pending, &states, into: &batch)
                }
                try append(change, &page, &states, session, into: &batch)
            }
        }
        if isComplete {
            next.complete(at: look.moment.snapshot)
        } else {
            next.begin(to: look.moment.snapshot, sent: page.lastID)
            health.begin(from: group.from, to: look.moment.snapshot, rows: look.rowCount)
        }
        close(&page, next, look.moment.pending, &states, into: &batch)
        resize(page, look.rowCount, options)
        plan = next
        tables = states
        // Delivered by the next step: one step is one thing that succeeds or leaves everything as it was.
        self.chunk = chunk
    }

    /// The next page of a batch that is under way.
    private func send(
        _ index: Int, _ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext, into batch: inout RecordBatch
    ) throws {
        let group = plan.groups[index]
        guard let to = group.to else { return }
        var after = group.sentByAll
        if after == 0 {
            let first = try session.connection.execute(TailSQL.firstOfBatch(from: group.from))
            guard let id = first.integer(0, 0) else {
                plan.finish(group: index)
                return
            }
            after = id - 1
            health.begin(from: group.from, to: to, rows: 0)
        }
        func fetch(after: Int64) -> PageFetch { PageFetch(group, to: to, after: after, limit: pageRows, bytes: options.batchBytes) }
        let fetched = try session.page(fetch(after: after))
        if fetched.mayGoOn, let last = try fetched.rows.lastID() { try session.readAhead(fetch(after: last)) }
        var next = plan, states = tables
        var page = Page(now: context.clock.wallMilliseconds())
        let count = try fetched.rows.forEach { change in
            // Another table of the group may have been ahead when it was stored.
            if let sent = group.sent[change.table], change.id <= sent { return page.lastID = change.id }
            if page.isPieceFull(before: change) {
                var part = plan
                part.advance(group: index, to: page.lastID)
                closePiece(&page, part, lastMoment?.pending ?? LogPosition(0), &states, into: &batch)
                // The server goes on while there is room between it and us.
                try session.connection.takeCopied(waits: false)
            }
            try append(change, &page, &states, session, into: &batch)
            page.lastID = change.id
        }
        // Between two polls, which a pause may put far apart, the server is in no statement of ours: that would hold VACUUM back.
        try session.connection.takeCopied(waits: true)
        next.advance(group: index, to: count == 0 ? after : page.lastID)
        health.add(from: group.from, to: to, rows: count)
        if !fetched.mayGoOn {
            try audit(group, to: to, session, context)
            next.finish(group: index)
        }
        close(&page, next, lastMoment?.pending ?? LogPosition(0), &states, into: &batch)
        resize(page, count, options)
        plan = next
        tables = states
    }

    /// Fewer rows at once where they are long, so that a page stays near its bytes.
    private func resize(_ page: Page, _ rows: Int, _ options: SourceOptions) {
        guard rows > 0 else { return }
        let average = max(1, page.bytes / rows)
        pageRows = max(1, min(options.batchRows, options.batchBytes / average))
    }
}
