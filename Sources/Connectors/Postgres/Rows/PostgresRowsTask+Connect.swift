internal import ConnectRuntime
internal import Postgres

extension PostgresRowsTask {
    /// Opens a session, looks at the server and the tables, and places every table.
    func connect(_ context: any SourceTaskContext) throws {
        let session = try TailSession(options, context: context)
        do {
            try settle(session, context)
        } catch {
            session.connection.close()
            throw error
        }
        self.session = session
    }

    private func settle(_ session: TailSession, _ context: any SourceTaskContext) throws {
        let (server, database) = try session.server(readsChanges: false)
        // The JDBC source's modes know no transactions: a standby does for them.
        if options.mode.isTail || !server.isStandby, let refusal = StartChecks.server(server, hasConnected: hasConnected) { throw refusal }
        self.database = database
        isStandby = server.isStandby
        try session.prepareForRows()
        let catalog = PostgresCatalog(connection: session.connection)
        var tails: [UInt32: Tail] = [:], topics: [Name: String] = [:]
        let described = try ChosenTables.ofTask(catalog, options, isFirst: !hasConnected, missing: &missing, context.logger)
        for table in described {
            let topic = options.topic(of: table)
            if let other = topics[topic] { throw ConnectError.topicCollision(other, table.display, topic) }
            topics[topic] = table.display
            tails[table.oid] = try tail(table, session, server, context)
        }
        if options.mode.isTail { history = server.history }
        self.tails = tails
        order = tails.keys.sorted()
        shape = try currentShape(session)
        hasConnected = true
        context.captures(try DatabaseIdentity.read(session.connection)?.captured(described, options, database: database) ?? [])
        context.note(DroppedTables.note(missing, isEmpty: tails.isEmpty))
    }

    func makeRecords(_ table: PostgresTable, partition: SourcePartition) throws -> TableRecords {
        TableRecords(
            table, key: options.isJDBC ? [] : try options.key(of: table), topic: options.topic(of: table), partition: partition,
            options: TableRecords.Options(
                prefix: options.prefix, database: database, isEnvelope: options.isEnvelope, hasTombstones: options.hasTombstones,
                emitsTruncates: options.emitsTruncates, types: options.types, hasNoKey: options.isJDBC))
    }

    private func partition(_ table: PostgresTable) -> SourcePartition {
        options.mode.isTail
            ? SourcePartition([("database", .string(database)), ("schema", .string(table.schema)), ("table", .string(table.name))])
            : SourcePartition([("protocol", .string("1")), ("table", .string(table.display))])
    }

    private func tail(_ table: PostgresTable, _ session: TailSession, _ server: StartChecks.Server, _ context: any SourceTaskContext) throws -> Tail {
        let partition = partition(table)
        let columns = RowColumns(options: options, connection: session.connection)
        let number = try columns.number(table)
        let sql = RowSQL(table, id: number?.column, times: try columns.times(table), xid: options.rows.xidColumn)
        // Made last: an event table may have got its column only now.
        func make(_ place: Place, due: UInt64 = 0) throws -> Tail {
            let altered = options.mode == .snapshot ? try PostgresCatalog(connection: session.connection).describe([table.oid]).first ?? table : table
            return Tail(records: try makeRecords(altered.mapped(options.types.numerics), partition: partition), sql: sql, partition: partition, place: place, due: due)
        }
        if let known = tails[table.oid] {
            // A session that was lost: go on from where the last good turn ended, unless the server is not what it was then.
            if case .fence(let place) = known.place {
                if place.waiting?.skips == true { return try make(.fence(firstFence(table, sql, session, isBackfilled: false))) }
                return try make(.fence(fence(table, number, sql, session, server, RowPosition.Fence(last: place.last, history: history), context)))
            }
            if case .events(let place) = known.place {
                let checked = try events(table, sql, session, server, place.position(history), context)
                return try make(.events(checked))
            }
            return try make(known.place, due: known.due)
        }
        let stored = try context.offset(partition)
        let place: Place
        switch options.mode {
        case .snapshot:
            place = .events(try events(table, sql, session, server, try stored.map { try EventTail.position($0) }, context))
        case .fence:
            place = .fence(try fence(table, number, sql, session, server, try stored.map { try RowPosition.Fence($0) }, context))
        case .bulk: place = .bulk(isOpen: false)
        case .incrementing, .timestamp, .timestampIncrementing:
            place = .keyset(try stored.map { try RowPosition.Keyset($0) } ?? firstKeyset(context))
        }
        return try make(place)
    }

    private func firstKeyset(_ context: any SourceTaskContext) -> RowPosition.Keyset {
        var place = RowPosition.Keyset()
        if options.mode != .timestamp { place.incrementing = options.rows.incrementingInitial }
        if options.mode != .incrementing {
            switch options.rows.timestampInitial {
            case nil: place.microseconds = 0
            case -1: place.microseconds = context.clock.wallMilliseconds() * 1000
            case let milliseconds?:
                let (product, overflow) = Int64(milliseconds).multipliedReportingOverflow(by: 1000)
                place.microseconds = overflow ? Int64.max / 2 : product
            }
        }
        return place
    }

    private func fence(
        _ table: PostgresTable, _ number: DrawnNumber?, _ sql: RowSQL, _ session: TailSession, _ server: StartChecks.Server, _ stored: RowPosition.Fence?,
        _ context: any SourceTaskContext
    ) throws -> FenceTail {
        if try session.connection.execute(sql.hasBelowOne).rowCount > 0 {
            throw ConnectError(
                .fatal, code: "postgres.source.number_below_one", "table \(table.display) has rows whose \(number?.column ?? "number") is below 1, which a tail from 1 never reaches",
                suggestion: "give these rows numbers from 1 on, or capture the table with mode=snapshot, capture=change")
        }
        guard let stored else { return try firstFence(table, sql, session, isBackfilled: options.isBackfilled) }
        let verdict = StartChecks.fence(stored, server, newest: number?.newest, table: table.display, historyLost: options.historyLost, timelineChange: options.timelineChange)
        switch verdict {
        case .goOn: return FenceTail(last: stored.last)
        case .refuse(let error): throw error
        case .replay:
            context.logger.warning("table \(table.display): after a failover, delivering all rows again, since numbers alone do not say which are new")
            return FenceTail(last: 0)
        case .startOver(let isBackfilled):
            context.logger.warning("table \(table.display): its stored offset is of no use on this server; starting over as on.history.lost says")
            if isBackfilled { return FenceTail(last: 0) }
            return try firstFence(table, sql, session, isBackfilled: false)
        }
    }

    /// Whether tables came, went or were altered.
    func isAltered(_ session: TailSession) throws -> Bool {
        if case .bulk? = tails.first?.value.place, session.connection.isInTransaction { return false }
        return try currentShape(session) != shape
    }

    private func currentShape(_ session: TailSession) throws -> String {
        try session.connection.query(TailSQL.shape(of: "$1"), [.text(TailSession.list(Set(tails.keys)))]).text(0, 0) ?? ""
    }
}
