internal import ConnectRuntime
internal import Postgres

extension PostgresSourceTask {
    /// Opens a session, looks at the server and the tables, arms what is not, and places every table in the plan.
    func connect(_ options: SourceOptions, _ context: any SourceTaskContext) throws {
        let session = try TailSession(options, context: context)
        do {
            try settle(session, options, context)
        } catch {
            session.connection.close()
            throw error
        }
        self.session = session
    }

    private func settle(_ session: TailSession, _ options: SourceOptions, _ context: any SourceTaskContext) throws {
        // Of a session that is gone: the log may have been lost beyond what was waited for.
        lastMoment = nil
        let (server, database) = try session.server()
        if let refusal = StartChecks.server(server, hasConnected: hasConnected) { throw refusal }
        self.database = database
        let catalog = PostgresCatalog(connection: session.connection)
        let described = try ChosenTables.ofTask(catalog, options, isFirst: !hasConnected, missing: &missing, context.logger)
        try sayWhatWasDropped(described, session, context)
        var positions = try storedPositions(described, session, server, options, context)
        let known = options.historyLost == .fail ? Set(positions.filter { $0.value.goesOn }.keys) : []
        let arming = PostgresArming(
            connection: session.connection, mode: options.arm, options: options.arming, lockTimeoutMilliseconds: options.lockTimeout, logger: context.logger)
        if options.historyLost != .fail {
            // A table whose triggers are gone has lost history: its position is worth nothing.
            for state in try arming.inspect(described, known: []).tables where !state.triggers.contains(where: { $0.name == CaptureSQL.captureTrigger }) {
                positions[state.table.oid]?.startOver(isBackfilled: options.historyLost == .earliest)
            }
        }
        try arming.arm(described, known: known)
        guard try session.connection.execute("SELECT pg_catalog.to_regclass('connectd.change') IS NOT NULL").boolean(0, 0) || described.isEmpty else {
            throw ConnectError(
                .fatal, code: "postgres.source.not_armed", "there is no table connectd.change, and arm=off does not make it",
                suggestion: "let the tables' owner run a connector with arm=auto once, or run the SQL that arm=check says")
        }
        if !described.isEmpty { try session.prepare() }
        // Whoever wrote before the triggers were there has finished by now: arming waited for them.
        let moment = try session.moment()
        try place(described, positions, moment, server, options, context)
        if options.arming.keepsReader, !described.isEmpty { try claimReader(session) }
        try session.prepareShape(of: tables.keys)
        shape = try currentShape(session)
        shapeSeenAt = moment.snapshot
        if !described.isEmpty { context.metrics.setGauge("sequence_cache", try session.connection.execute(TailSQL.sequenceCache).integer(0, 0)) }
        history = server.history
        hasConnected = true
        context.captures(try DatabaseIdentity.read(session.connection)?.captured(described, options, database: database) ?? [])
        pace = Pace(wake: options.wake, longestMilliseconds: options.pollInterval)
        context.note(DroppedTables.note(missing, isEmpty: described.isEmpty))
    }

    /// Stands in the way of pruning from here on, at the oldest place of any table.
    private func claimReader(_ session: TailSession) throws {
        guard let oldest = plan.groups.map(\.from).min(by: { $0.finishedCount < $1.finishedCount }) else { return }
        try session.connection.query(TailSQL.claimReader, [.text(session.reader), .text(oldest.text)])
        movedTo = nil
    }

    /// Changes of a table that is gone cannot be read without its columns: how many there are is said.
    private func sayWhatWasDropped(_ described: [PostgresTable], _ session: TailSession, _ context: any SourceTaskContext) throws {
        for (oid, state) in tables where !described.contains(where: { $0.oid == oid }) {
            guard let group = plan.groups.first(where: { $0.tables.contains(oid) }),
                try session.connection.query("SELECT 1 FROM pg_catalog.pg_class WHERE oid = $1::oid", [.text(String(oid))]).rowCount == 0
            else { continue }
            let lag = try session.connection.execute(TailSQL.lag(from: group.from, sent: group.sent[oid] ?? 0, tables: [oid])).integer(0, 0) ?? 0
            if lag > 0 {
                context.logger.error("table \(state.records.table.display) was dropped with \(lag) change(s) that were not delivered: its columns are gone, so they cannot be read")
            } else {
                context.logger.info("table \(state.records.table.display) was dropped; all its changes were delivered")
            }
        }
    }

    /// Where a table is to go on.
    struct Placement {
        var position: TailPosition?
        var startsOver: Bool?
        var goesOn: Bool { position != nil && startsOver == nil }
        mutating func startOver(isBackfilled: Bool) { startsOver = isBackfilled }
    }

    private func storedPositions(
        _ described: [PostgresTable], _ session: TailSession, _ server: StartChecks.Server, _ options: SourceOptions, _ context: any SourceTaskContext
    ) throws -> [UInt32: Placement] {
        var placements: [UInt32: Placement] = [:]
        let wasForgotten = try wasForgotten(session, options)
        let hasChanges = try session.connection.execute("SELECT pg_catalog.to_regclass('connectd.change') IS NOT NULL").boolean(0, 0)
        for table in described {
            guard var position = try knownPosition(table, context) else { continue }
            var placement = Placement(position: position)
            var lastIsThere: Bool?
            if let last = position.last, hasChanges {
                let result = try session.connection.query(TailSQL.lastChange, [.text(String(last.id)), .text(String(last.xid))])
                if result.rowCount == 1 { lastIsThere = result.boolean(0, 0) }
            }
            let verdict = StartChecks.position(
                position, server, lastIsThere: lastIsThere, wasForgotten: wasForgotten, table: table.display, historyLost: options.historyLost, timelineChange: options.timelineChange)
            switch verdict {
            case .goOn: break
            case .refuse(let error): throw error
            case .startOver(let isBackfilled):
                context.logger.warning("table \(table.display): its stored offset is of no use on this server; starting over as on.history.lost says")
                placement.startOver(isBackfilled: isBackfilled)
            case .replay:
                let result = try session.connection.query(TailSQL.replayStart, [.text(String(options.replayWindow))])
                if let first = result.text(0, 0).flatMap({ UInt64($0) }), first < position.from.xmax {
                    position.from = XidSnapshot(xmin: first, xmax: first)
                }
                position.to = nil
                placement.position = position
                context.logger.warning("table \(table.display): after a failover, delivering what is younger than \(options.replayWindow) ms again")
            }
            placements[table.oid] = placement
        }
        return placements
    }

    /// Whether pruning went on without us because we were away for too long.
    private func wasForgotten(_ session: TailSession, _ options: SourceOptions) throws -> Bool {
        guard options.arming.keepsReader, try session.connection.execute("SELECT pg_catalog.to_regclass('connectd.tail') IS NOT NULL").boolean(0, 0) else {
            return false
        }
        let result = try session.connection.query(TailSQL.readerExpired, [.text(session.reader)])
        return result.rowCount == 1 && result.boolean(0, 0)
    }

    /// Where the table stands after the last good poll, or as stored.
    private func knownPosition(_ table: PostgresTable, _ context: any SourceTaskContext) throws -> TailPosition? {
        if let state = tables[table.oid], let group = plan.groups.first(where: { $0.tables.contains(table.oid) }) {
            return TailPosition(
                from: group.from, to: group.to, sent: group.sent[table.oid] ?? 0, flushed: LogPosition(0), history: history, last: state.last,
                backfill: state.backfill?.after)
        }
        return try context.offset(partition(table)).map { try TailPosition($0) }
    }

    func partition(_ table: PostgresTable) -> SourcePartition {
        SourcePartition([("database", .string(database)), ("schema", .string(table.schema)), ("table", .string(table.name))])
    }

    private func place(
        _ described: [PostgresTable], _ placements: [UInt32: Placement], _ moment: TailSession.Moment, _ server: StartChecks.Server,
        _ options: SourceOptions, _ context: any SourceTaskContext
    ) throws {
        var plan = TailPlan(), tables: [UInt32: TableState] = [:]
        var topics: [Name: String] = [:]
        let size = ChunkSize(most: options.batchRows, milliseconds: options.chunkTime, bytes: options.batchBytes)
        for table in described {
            let topic = options.topic(of: table)
            if let other = topics[topic] { throw ConnectError.topicCollision(other, table.display, topic) }
            topics[topic] = table.display
            let records = try records(of: table, topic: topic, options)
            let old = self.tables[table.oid]
            var state = TableState(records: records, last: nil, backfill: nil, given: old?.given, durable: old?.durable)
            let placement = placements[table.oid]
            if let position = placement?.position, placement?.startsOver == nil {
                plan.add(table.oid, from: position.from, to: position.to, sent: position.sent)
                state.last = position.last
                state.backfill = position.backfill.map { Backfill(after: $0, size: size) }
                if state.given == nil { state.given = position.from }
                if state.durable == nil { state.durable = position.from }
            } else {
                plan.add(table.oid, from: moment.snapshot)
                if placement?.startsOver ?? options.isBackfilled {
                    if records.key.isEmpty {
                        throw ConnectError(
                            .fatal, code: "postgres.source.no_key",
                            "table \(table.display) has no primary key, so the rows it holds cannot be delivered exactly once while it is written to",
                            suggestion: "name its unique columns in message.key.columns, or set snapshot.mode=no_data to deliver only changes from now on")
                    }
                    state.backfill = Backfill(after: [], size: size)
                }
            }
            tables[table.oid] = state
        }
        self.plan = plan
        self.tables = tables
        chunk = nil
    }

    func records(of table: PostgresTable, topic: Name, _ options: SourceOptions) throws -> TableRecords {
        TableRecords(
            table, key: try options.key(of: table), topic: topic, partition: partition(table),
            options: TableRecords.Options(
                prefix: options.prefix, database: database, isEnvelope: options.isEnvelope, hasTombstones: options.hasTombstones,
                emitsTruncates: options.emitsTruncates, types: options.types, hasNoKey: options.isJDBC))
    }

    func currentShape(_ session: TailSession) throws -> String {
        if tables.isEmpty { return "" }
        return try session.connection.executePrepared("shape").text(0, 0) ?? ""
    }
}
