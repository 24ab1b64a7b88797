package import ConnectRuntime
import Curl

/// Delivers records over HTTP: decides by the scheduler, sends by libcurl, and lets offsets go only as far as everything is through.
///
/// `put` takes what it gets into the lanes and returns while requests may still be under way, so that one slow key does not hold up the
/// others; at most a bounded number of records wait, beyond that the partitions are paused.
package final class HttpSinkTask: PlainJSONSink {
    typealias Item = Queued<PendingRecord>

    private var sender: HttpSender?
    private var scheduler = DeliveryScheduler<PendingRecord>(DeliveryPolicy())
    private var reader: RecordReader?
    private var results: ResultReporter?
    private var prefix = OffsetPrefix()
    private var partitions: Set<TopicPartition> = []
    private var isPaused = false
    private var random = SystemRandomNumberGenerator()
    private var context: (any SinkTaskContext)?
    private var hasNote = false

    /// Above these the partitions are paused until half of it is gone.
    private static let mostBytes = 32 << 20
    private static let mostRecords = 20_000
    /// The same for what came after the oldest record that is not through, delivered or not: its offsets are remembered, a restart would
    /// bring it again, and records that wait keep alive the bytes they came with.
    private static let widestSpan = 100_000
    private static let widestSpanBytes = 64 << 20
    /// How long one `put` waits for answers before it gives the runner its turn, and how soon it is called again.
    private static let turnMilliseconds: Int64 = 20
    private static let nextTurnMilliseconds = 1

    package func start(_ config: Config, context: any SinkTaskContext) throws {
        let configuration = try HttpConfiguration(config)
        self.context = context
        scheduler = DeliveryScheduler(configuration.delivery)
        reader = RecordReader(configuration, clusterID: context.clusterID, logger: context.logger)
        results = ResultReporter(configuration, context: context)
        sender = try HttpSender(configuration, context: context)
    }

    package var takesPlainJSON: Bool { reader?.takesPlainJSON ?? false }

    package func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] {
        self.partitions.formUnion(partitions.map(\.topicPartition))
        return [:]
    }

    package func put(_ batch: RecordBatch) throws {
        guard let context, let reader, let results else { throw HttpSinkTask.notStarted }
        HttpSinkTask.take(batch, reader, results, now: now, into: &scheduler, &prefix)
        try results.flush(letting: &prefix)
        try drive(context, until: self.now + Self.turnMilliseconds)
        try balance(context)
    }

    /// Puts a batch's records into the lanes. What changes is lent for the whole batch: every access to an object's variable is checked at run time.
    private static func take(
        _ batch: RecordBatch, _ reader: RecordReader, _ results: ResultReporter, now: Int64, into scheduler: inout DeliveryScheduler<PendingRecord>, _ prefix: inout OffsetPrefix
    ) {
        for index in batch.entries.indices {
            guard case .log(let origin) = batch.entries[index].origin else { continue }
            let ticket = prefix.begin(origin.topicPartition, offset: origin.offset, bytes: origin.byteCount)
            switch reader.read(batch.entries[index].record, isPlainJSON: batch.entries[index].isPlainJSON, origin, ticket, now: now) {
            case .queue(let item): scheduler.add(item)
            case .done: prefix.end(ticket)
            case .bad(let error): results.refuse(batch.entries[index], ticket, error)
            }
        }
    }

    private static let notStarted = ConnectError(.fatal, code: "http.not_started", "the task was not started")

    private var now: Int64 { Int64((context?.clock.monotonicNanoseconds() ?? 0) / 1_000_000) }

    /// What is held for records that were put: for tests, which see to it that it does not grow along the way.
    package struct Held: Sendable, Hashable {
        /// Records that wait or are under way, and their bytes.
        package let records: Int
        package let bytes: Int
        /// Records after the oldest one that is not through.
        package let span: Int
        package let requests: Int
        /// Entries of all lists that records stand in, of gone records too.
        package let entries: Int
    }

    package var held: Held {
        Held(records: scheduler.count, bytes: scheduler.bytes, span: prefix.span, requests: sender?.count ?? 0, entries: scheduler.remembered + prefix.remembered)
    }

    // MARK: The loop

    /// Starts what may start and takes in what is done, until nothing is left to do, the time is over or the task is wanted.
    private func drive(_ context: any SinkTaskContext, until end: Int64) throws {
        guard let sender, let results else { return }
        let low = lowWater
        // Read once a turn: what happens in between takes microseconds.
        var now = now
        while true {
            while sender.hasRoom, let start = scheduler.next(now: now) {
                if let outcome = try sender.send(start) { finish(start, outcome, results, now) }
            }
            if sender.count == 0 { break }
            let wake = scheduler.wakeAt(now: now).map { max(0, $0 - now) } ?? Int64.max
            let wait = min(max(0, end - now), wake)
            let done = try sender.step(milliseconds: Int(wait), beside: context.wakeUp.fileDescriptor)
            now = self.now
            for (start, outcome) in done { finish(start, outcome, results, now) }
            try results.flush(letting: &prefix)
            if sender.wasWoken || (done.isEmpty && now >= end) { break }
            // More records are there to be fetched: the lanes hold enough for the while that takes.
            if !isPaused, scheduler.count <= low, scheduler.count > scheduler.inFlight { break }
            if now >= end, scheduler.count > 0 { break }
        }
        try results.flush(letting: &prefix)
        plan(context)
    }

    private var lowWater: Int { max(64, (sender?.lanes ?? 1) * (sender?.batchRecords ?? 1)) }

    private func finish(_ start: DeliveryScheduler<PendingRecord>.Start, _ outcome: SentOutcome, _ results: ResultReporter, _ now: Int64) {
        if let failure = outcome.failure, start.attempts == 0 { context?.logger.warning("\(failure.message), \(start.items.count) record(s), first \(start.items[0].payload.place); it is tried again as configured") }
        if case .failed = outcome.delivery { context?.metrics.retries.add() }
        let settled = scheduler.finish(start.lane, outcome.delivery, now: now, using: &random)
        results.add(settled, answer: outcome.response, sender?.redaction ?? Redaction([]))
    }

    /// Says when to be called again, and what is being waited for.
    private func plan(_ context: any SinkTaskContext) {
        let now = now
        if let sender, sender.count > 0 {
            // With more to send, or nothing to fetch, the runner is only to see whether the task is wanted: it is here that answers are waited for.
            context.setTimeout(milliseconds: isPaused || scheduler.count > scheduler.inFlight ? 0 : Self.nextTurnMilliseconds)
        } else if let wake = scheduler.wakeAt(now: now) {
            context.setTimeout(milliseconds: Int(max(0, min(60_000, wake - now))))
        }
        if let failing = scheduler.mostFailing {
            hasNote = true
            context.note("\(sender?.lastFailure ?? "requests fail") (\(failing.attempts) failed in a row, for \((now - failing.since) / 1000) s; \(scheduler.count) records wait)")
        } else if hasNote {
            hasNote = false
            context.note(nil)
        }
    }

    private func balance(_ context: any SinkTaskContext) throws {
        if !isPaused, scheduler.bytes > Self.mostBytes || scheduler.count > Self.mostRecords || prefix.span > Self.widestSpan || prefix.spanBytes > Self.widestSpanBytes {
            isPaused = true
            context.pause(Array(partitions))
        } else if isPaused, scheduler.bytes <= Self.mostBytes / 2, scheduler.count <= Self.mostRecords / 2, prefix.span <= Self.widestSpan / 2, prefix.spanBytes <= Self.widestSpanBytes / 2 {
            isPaused = false
            context.resume(Array(partitions))
            context.setTimeout(milliseconds: 0)
        }
    }

    // MARK: Offsets

    package func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] {
        // When the task is about to stop, what is out gets the time to come back: fewer records go twice.
        if let context, context.wakeUp.isSet { try drain(context) }
        var safe: [TopicPartition: CommittedOffset] = [:]
        for (place, end) in offsets {
            let offset = prefix.committable(place, upTo: end.offset)
            safe[place] = offset == end.offset ? end : CommittedOffset(offset: offset, metadata: end.metadata)
        }
        return safe
    }

    /// How long a stopping task waits for answers.
    private static let drainMilliseconds: Int64 = 3_000

    private func drain(_ context: any SinkTaskContext) throws {
        guard let sender, let results else { return }
        let end = now + Self.drainMilliseconds
        while sender.count > 0, now < end {
            for (start, outcome) in try sender.step(milliseconds: Int(max(1, end - now)), beside: -1) { finish(start, outcome, results, now) }
            try results.flush(letting: &prefix)
        }
    }

    package func close(_ partitions: [TopicPartition], lost: Bool) {
        let gone = Set(partitions)
        if let sender { for start in sender.cancel(where: { $0.items.contains { gone.contains($0.payload.ticket.partition) } }) { _ = scheduler.finish(start.lane, .abandoned, now: now, using: &random) } }
        scheduler.remove { gone.contains($0.ticket.partition) }
        for place in partitions { prefix.forget(place) }
        self.partitions.subtract(gone)
        if self.partitions.isEmpty { isPaused = false }
    }

    package func stop() {
        _ = sender?.cancel { _ in true }
        sender = nil
        reader = nil
        results = nil
        context = nil
    }
}
