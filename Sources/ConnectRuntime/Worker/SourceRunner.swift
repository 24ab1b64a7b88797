/// Runs a source task on its thread: poll → transforms → converters → one transaction of records, offsets and schemas.
///
/// Several transactions are on their way at once, bounded by bytes and count; the source is told "committed" in their order, after each is durable (P2).
final class SourceRunner {
    private struct InFlight {
        let ticket: CommitTicket
        let bytes: Int
        /// Where its records went.
        let topics: [Name]
    }

    let handle: TaskHandle
    let parts: WorkerParts
    let logger: Logger
    var ledger = OffsetLedger()
    private var inFlight: [InFlight] = []
    private var inFlightBytes = 0
    private var openedAt: UInt64 = 0

    init(handle: TaskHandle, parts: WorkerParts, logger: Logger) {
        self.handle = handle
        self.parts = parts
        self.logger = logger
    }

    struct Run {
        let producer: any LogProducer
        let plugins: TaskPlugins
        let retry: RetryOperator
        let schemas: TransactionSchemas?
        let boundaries: TransactionBoundaries?
        let boundary: ConnectorSettings.TransactionBoundary
        let intervalMilliseconds: Int
        /// A transaction is ended early, where that tears nothing apart, when it holds so much.
        let splitBytes: Int
        /// The most bytes of records that one transaction may hold.
        let transactionBytes: Int
        var routes: TopicRoutes
        /// Writes the last of many records.
        let helper: RecordWriting.Helper?
        // Here and not in the runner: every access to an object's variable is checked at run time, every record has several.
        var keyBytes = ByteBuffer(capacity: 256)
        var valueBytes = ByteBuffer(capacity: 1024)
        var headers: [RawHeader] = []
    }

    /// Runs until the task is to stop.
    /// - Throws: the error that ended it; a `.retriable` one has the caller begin again from the last durable offsets.
    func run(_ task: any SourceTask, _ whenItWorks: () -> Void) throws {
        let specification = handle.specification
        handle.monitor.enter(.starting)
        let producer = try parts.log.openProducer(Self.producerID(specification))
        defer { producer.close() }
        let retry = RetryOperator(handle: handle, clock: parts.clock)
        let schemas = TransactionSchemas(parts.log.schemas)
        let plugins = try TaskPlugins(specification, parts, schemas: schemas, retry: retry)
        defer { plugins.close() }
        let boundary = try plugins.base.value(ConnectorSettings.boundary)
        let boundaries = boundary == .connector ? TransactionBoundaries() : nil
        let context = SourceRunnerContext(
            handle, epoch: producer.epoch, boundaries: boundaries, parts: parts, logger: logger)
        let transforms = plugins.transforms
        context.routes = { transforms.topics(of: $0) }
        let helper = try RecordWriting.helper(specification, plugins, schemas, parts)
        defer { helper?.stop() }
        var run = Run(
            producer: producer, plugins: plugins, retry: retry, schemas: schemas, boundaries: boundaries, boundary: boundary,
            intervalMilliseconds: try plugins.base.value(ConnectorSettings.boundaryInterval) ?? parts.settings.offsetFlushIntervalMilliseconds,
            splitBytes: min(producer.transactionByteLimit / 2, parts.settings.inFlightBytes),
            transactionBytes: producer.transactionByteLimit - producer.transactionByteLimit / RecordSize.reserve,
            routes: TopicRoutes(
                log: parts.log, creation: try TopicCreation(parts.references.resolve(specification.connectorConfig), settings: parts.settings),
                logger: logger),
            helper: helper)
        defer {
            handle.monitor.enter(.stopping)
            task.stop()
            parts.captured.remove(connector: specification.connector, task: specification.task, epoch: producer.epoch)
        }
        try task.start(plugins.config, context: context)
        handle.monitor.setNote(nil)
        try loop(task, &run, whenItWorks)
    }

    static func producerID(_ specification: TaskSpecification) -> ProducerID {
        let prefix = "source/\(specification.connector)/"
        return ProducerID(Name(prefix + String(specification.task)))
    }

    private func loop(_ task: any SourceTask, _ run: inout Run, _ whenItWorks: () -> Void) throws {
        var batch = RecordBatch()
        var backoff = Backoff(longest: parts.settings.longestBackoffMilliseconds)
        var seen = -1
        var orders = TaskMailbox.Orders()
        while true {
            let version = handle.mailbox.version
            if version != seen || orders.paused {
                seen = version
                orders = handle.mailbox.read()
                if orders.stop { break }
                handle.report(orders.paused ? .paused : .running)
            }
            try settle(task, whenItWorks)
            if orders.paused {
                if run.boundary != .connector { try commit(&run) }
                handle.monitor.enter(.idle)
                _ = parts.clock.sleep(milliseconds: 1000, wake: handle.mailbox.wakeUp)
                continue
            }
            if isFull {
                handle.monitor.enter(.committing)
                _ = inFlight[0].ticket.wait(milliseconds: 100)
                continue
            }
            batch.entries.removeAll(keepingCapacity: true)
            handle.monitor.enter(.polling)
            do {
                try task.poll(into: &batch)
                if backoff.attempts > 0 {
                    backoff.reset()
                    handle.monitor.setNote(nil)
                }
            } catch {
                let cause = ConnectError(error)
                guard cause.kind == .retriable else { throw cause }
                let wait = backoff.next()
                handle.metrics.retries.add()
                logger.warning("poll failed and is tried again in \(wait) ms (failure \(backoff.attempts) in a row)", error: cause)
                handle.monitor.setNote("poll: \(cause.message) (try \(backoff.attempts + 1) in \(TaskLoop.seconds(wait)))")
                handle.monitor.enter(.backingOff)
                TaskLoop.sleep(wait, handle.mailbox, parts.clock)
                continue
            }
            if batch.isEmpty {
                // A task that returns early because it is wanted would spin on a wake-up that nobody clears.
                if handle.mailbox.version == seen { _ = handle.mailbox.read() }
                try endInterval(&run)
                continue
            }
            handle.monitor.enter(.converting)
            try process(&batch, &run)
        }
        try finish(task, &run)
    }

    // MARK: transactions

    private var isFull: Bool {
        inFlight.count >= parts.settings.inFlightTransactions || (inFlightBytes >= parts.settings.inFlightBytes && !inFlight.isEmpty)
    }

    func endInterval(_ run: inout Run) throws {
        guard run.boundary == .interval, ledger.openRecords > 0 else { return }
        let now = parts.clock.monotonicNanoseconds()
        if openedAt == 0 { openedAt = now }
        if now &- openedAt >= UInt64(nanosecondsIn: run.intervalMilliseconds) || run.routes.byteCount >= run.splitBytes { try commit(&run) }
    }

    func end(_ end: TransactionBoundaries.End, _ run: inout Run) throws {
        switch end {
        case .commit: try commit(&run)
        case .abort:
            // The connector drops these records; their offsets go with the next transaction.
            run.routes.forget()
            ledger.dropOpen()
        }
    }

    /// Hands the gathered records, their offsets and schemas over as one transaction (P1).
    func commit(_ run: inout Run) throws {
        guard ledger.openRecords > 0 else { return }
        openedAt = 0
        let bytes = run.routes.byteCount
        let offsets = ledger.seal()
        let connector = handle.specification.connector
        handle.monitor.enter(.committing)
        try run.producer.begin()
        if let schemas = run.schemas, !schemas.isEmpty {
            let stored = schemas.toStore()
            try run.producer.storeSchemas(stored)
            schemas.forget(stored)
        }
        let records = run.routes.recordCount, topics = run.routes.written
        do {
            try run.routes.hand(to: run.producer)
        } catch { throw Self.passing(error) }
        try run.producer.storeOffsets(offsets.map { SourceOffsetRow(connector: connector, partition: $0.partition, offset: $0.offset) })
        let ticket = try run.producer.commit()
        inFlight.append(InFlight(ticket: ticket, bytes: bytes, topics: topics))
        inFlightBytes += bytes
        handle.metrics.recordsOut.add(records)
    }

    /// A topic that was deleted while the task ran is no reason to end: the next run makes it again, or waits until somebody does.
    private static func passing(_ error: LogError) -> ConnectError {
        error.kind == .unknownTopic ? ConnectError(.retriable, code: "log.topic_gone", error.message, suggestion: error.suggestion) : error.connectError
    }

    /// Looks which transactions have become durable and tells the source, in their order.
    private func settle(_ task: any SourceTask, _ whenItWorks: () -> Void) throws {
        while let first = inFlight.first, let outcome = first.ticket.outcome {
            inFlight.removeFirst()
            inFlightBytes -= first.bytes
            switch outcome {
            case .durable:
                whenItWorks()
                for topic in first.topics { handle.use(topic) }
                let settled = ledger.settle()
                if settled.offsets.isEmpty { continue }
                do {
                    try task.committed(settled.offsets)
                } catch {
                    logger.warning("the task could not take note that its records are durable", error: ConnectError(error))
                }
            case .failed(let error): throw Self.passing(error)
            }
        }
    }

    /// Ends the open transaction and waits, within bounds, for those on their way.
    private func finish(_ task: any SourceTask, _ run: inout Run) throws {
        if run.boundary != .connector { try commit(&run) }
        let end = parts.clock.monotonicNanoseconds(after: parts.settings.offsetFlushTimeoutMilliseconds)
        handle.monitor.enter(.committing)
        while let first = inFlight.first {
            let now = parts.clock.monotonicNanoseconds()
            if now >= end {
                logger.warning("\(inFlight.count) transaction(s) were not durable when the task had to stop; what is durable stays, the rest comes again")
                return
            }
            _ = first.ticket.wait(milliseconds: 50)
            try settle(task) {}
        }
    }
}
