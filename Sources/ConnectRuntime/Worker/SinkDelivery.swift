/// The loop of a sink task: assignments, batches, redelivery, commits.
final class SinkDelivery {
    private let task: any SinkTask
    private let consumer: any LogConsumer
    private let plugins: TaskPlugins
    private let retry: RetryOperator
    private let queue: DeadLetterQueue
    private let reporter: SinkReporter?
    private let context: SinkRunnerContext
    private let handle: TaskHandle
    private let parts: WorkerParts
    private let logger: Logger
    private let reader: SinkBatchReader
    private let resetPolicy: ConsumerOptions.ResetPolicy

    private let offsets: SinkOffsets
    /// Polled while the batch before was on its way, not delivered yet; those of a paused partition wait here for it to go on.
    private var ahead: [ConsumedRecords] = []
    private var isPaused = false
    private var stopped = false

    init(
        task: any SinkTask, consumer: any LogConsumer, plugins: TaskPlugins, retry: RetryOperator, queue: DeadLetterQueue,
        reporter: SinkReporter?, context: SinkRunnerContext, handle: TaskHandle, parts: WorkerParts, logger: Logger,
        resetPolicy: ConsumerOptions.ResetPolicy, helper: RecordReading.Helper?
    ) {
        self.task = task
        self.consumer = consumer
        self.plugins = plugins
        self.retry = retry
        self.queue = queue
        self.reporter = reporter
        self.context = context
        self.handle = handle
        self.parts = parts
        self.logger = logger
        self.resetPolicy = resetPolicy
        // What a transform is to see has to be read.
        let leavesPlainJSON = plugins.transforms.isEmpty && (task as? any PlainJSONSink)?.takesPlainJSON == true
        reader = SinkBatchReader(plugins: plugins, retry: retry, helper: helper, leavesPlainJSON: leavesPlainJSON)
        offsets = SinkOffsets(task: task, consumer: consumer, queue: queue, monitor: handle.monitor, parts: parts, logger: logger)
    }

    func loop(_ whenItWorks: () -> Void) throws {
        var seen = -1
        while true {
            if handle.mailbox.version != seen {
                seen = handle.mailbox.version
                let orders = handle.mailbox.read()
                if orders.stop { break }
                isPaused = orders.paused
                applyPauses()
                handle.report(isPaused ? .paused : .running)
            }
            try applySeeks()
            if context.takePausesChanged() { applyPauses() }
            let consumed = try next()
            if !isPaused {
                try deliver(consumed)
                if !stopped, !consumed.isEmpty { whenItWorks() }
            }
            if stopped { break }
            if context.takeWantsCommit() || offsets.millisecondsUntilCommit == 0 { try offsets.commit() }
        }
        try endIfAbandoned()
        let all = consumer.assignment
        try offsets.commit()
        handle.monitor.enter(.closing)
        if !all.isEmpty { task.close(all, lost: false) }
    }

    /// What to deliver next: what was read ahead, or what the log has. Waits while there is nothing.
    private func next() throws -> [ConsumedRecords] {
        let wait = min(context.takeTimeout() ?? 1000, offsets.millisecondsUntilCommit)
        if !isPaused, !ahead.isEmpty {
            let ready = ahead.filter { !context.paused.contains($0.topicPartition) }
            if !ready.isEmpty {
                ahead.removeAll { !context.paused.contains($0.topicPartition) }
                return ready
            }
        }
        handle.monitor.enter(.idle)
        var consumed: [ConsumedRecords] = []
        for event in try poll(milliseconds: wait) {
            if case .records(let records) = event { consumed.append(records) } else { try rebalance(event) }
        }
        reader.expect(consumed, spent: takeSpent())
        return consumed
    }

    private func poll(milliseconds: Int) throws -> [ConsumerEvent] {
        do {
            return try consumer.poll(maximumBytes: parts.settings.sinkBatchBytes, milliseconds: milliseconds)
        } catch {
            if error.kind == .offsetOutOfRange, try goesOnBehindGaps() { return [] }
            throw error
        }
    }

    /// Retention was quicker than the sink: it is asked anew where it goes on, as at its start, for that is where its policy for gaps is heeded.
    /// - Returns: false where that helps nothing, as for a sink that keeps no position of its own.
    private func goesOnBehindGaps() throws -> Bool {
        var overtaken: [TopicPartition: Int64] = [:]
        for place in consumer.assignment {
            guard let position = try? consumer.position(place), let start = try? parts.log.bounds(of: place).start else { continue }
            if position >= 0 && position < start { overtaken[place] = position }
        }
        if overtaken.isEmpty { return false }
        let places = Array(overtaken.keys)
        try offsets.commit(places)
        close(places, lost: false)
        try open(places)
        // To have come further is enough: retention may have moved on meanwhile, and the next poll leads back here.
        return overtaken.contains { place, before in ((try? consumer.position(place)) ?? before) > before }
    }

    /// Takes from the log what comes after a batch that is about to be put, for the reader's helper to read meanwhile.
    private func lookAhead(_ batch: inout RecordBatch) throws {
        guard reader.readsAhead, !ahead.contains(where: { !context.paused.contains($0.topicPartition) }), batch.count >= RecordReading.fewest else { return }
        // Whatever is wrong there comes again with the next poll, when this batch has been put.
        guard let events = try? consumer.poll(maximumBytes: parts.settings.sinkBatchBytes, milliseconds: 0) else { return }
        var read: [ConsumedRecords] = []
        for event in events {
            if case .records(let records) = event { read.append(records) } else { try rebalance(event, within: &batch) }
        }
        ahead += read
        reader.expect(read, spent: takeSpent())
    }

    /// The loop ended with an error: the target is not written any more. As in Connect what was delivered before is committed all the same,
    /// or a target that keeps no position would get it again with every new start.
    func giveUp(_ error: ConnectError) {
        let isLost = error.kind == .fenced || handle.isAbandoned
        if !isLost, !offsets.isCommitting {
            do { try offsets.commit() } catch {
                logger.warning("the group's offsets could not be committed at the end: records since the last commit may come again", error: ConnectError(error))
            }
        }
        handle.monitor.enter(.closing)
        let all = consumer.assignment
        if !all.isEmpty { task.close(all, lost: isLost) }
    }

    /// A thread that comes back after it was given up has lost its partitions: it must neither write nor commit.
    private func endIfAbandoned() throws {
        if handle.isAbandoned {
            throw ConnectError(.fenced, code: "task.abandoned", "it did not stop in time and was given up")
        }
    }

    // MARK: assignment

    private func rebalance(_ event: ConsumerEvent) throws {
        switch event {
        case .assigned(let partitions): try open(partitions)
        case .revoked(let partitions):
            try offsets.commit(partitions)
            close(partitions, lost: false)
        case .lost(let partitions): close(partitions, lost: true)
        case .records: break
        }
    }

    /// The same while a batch waits to be put: what it holds of partitions that go is not this task's to write any more.
    private func rebalance(_ event: ConsumerEvent, within batch: inout RecordBatch) throws {
        try rebalance(event)
        switch event {
        case .revoked(let gone), .lost(let gone):
            goneWhileWaiting.formUnion(gone)
            batch.entries.removeAll { entry in
                guard case .log(let origin) = entry.origin else { return false }
                return gone.contains(origin.topicPartition)
            }
        case .assigned, .records: break
        }
    }

    private func open(_ partitions: [TopicPartition]) throws {
        // Retention may delete what the sink is about to go on with, after it was shown the bounds: it is asked again, a few times.
        for attempt in 1...SinkDelivery.openings {
            guard let overtaken = try tryToOpen(partitions) else { return }
            if attempt == SinkDelivery.openings { throw overtaken }
            close(partitions, lost: false)
        }
    }

    private static let openings = 10

    /// - Returns: why a position could not be sought that the bounds had allowed when the sink named it, `nil` when all is open.
    private func tryToOpen(_ partitions: [TopicPartition]) throws -> ConnectError? {
        handle.monitor.enter(.opening)
        var assigned: [AssignedPartition] = []
        for place in partitions {
            guard let topic = try parts.log.topic(place.topic) else { continue }
            assigned.append(
                AssignedPartition(
                    topicPartition: place, topicID: topic.id, bounds: try parts.log.bounds(of: place), committed: try consumer.committed(place),
                    resetPolicy: resetPolicy))
        }
        let positions = try task.open(assigned)
        for partition in assigned {
            let place = partition.topicPartition
            if let position = positions[place], let failure = seekFailure(place, position) {
                if position >= partition.bounds.start, try parts.log.bounds(of: place).start > position { return failure }
                throw failure
            }
            offsets.opened(place, committed: partition.committed)
            try queue.open(partition, position: try consumer.position(place))
        }
        if isPaused { consumer.pause(partitions) }
        return nil
    }

    private func close(_ partitions: [TopicPartition], lost: Bool) {
        handle.monitor.enter(.closing)
        task.close(partitions, lost: lost)
        context.forget(partitions)
        ahead.removeAll { partitions.contains($0.topicPartition) }
        for place in partitions {
            offsets.forget(place)
            queue.close(place)
        }
    }

    private func seekFailure(_ place: TopicPartition, _ offset: Int64) -> ConnectError? {
        do {
            try consumer.seek(place, to: offset)
            return nil
        } catch {
            return error.connectError.context("the sink wants to go on with \(place) at offset \(offset)")
        }
    }

    private func applySeeks() throws {
        let assignment = Set(consumer.assignment)
        for (place, offset) in context.takeSeeks() where assignment.contains(place) {
            if let failure = seekFailure(place, offset) { throw failure }
            ahead.removeAll { $0.topicPartition == place }
            offsets.sought(place)
        }
    }

    private func applyPauses() {
        let all = consumer.assignment
        if isPaused {
            consumer.pause(all)
        } else {
            consumer.resume(all.filter { !context.paused.contains($0) })
            consumer.pause(all.filter { context.paused.contains($0) })
        }
    }

    // MARK: batches

    /// Partitions that were revoked or lost since the records that are being delivered were read, also where they came back.
    private var goneWhileWaiting: Set<TopicPartition> = []

    /// The entries of the batch that was put last: freeing them costs a tenth of what delivering them does, and is left to the helper.
    private var spent: [RecordBatch.Entry] = []

    private func takeSpent() -> [RecordBatch.Entry] {
        defer { spent = [] }
        return spent
    }

    private func deliver(_ consumed: [ConsumedRecords]) throws {
        goneWhileWaiting.removeAll()
        var batch = RecordBatch()
        var ends: [TopicPartition: CommittedOffset] = [:]
        for records in consumed {
            handle.metrics.recordsIn.add(records.records.count)
            let place = records.topicPartition
            handle.use(place.topic)
            let skips = plugins.policy.tolerance == .all && queue.hasLetters(place)
            var index = 0
            let count = records.records.count
            repeat {
                // The rest of a partition that went during an earlier put of these records is another's, or comes again from where that stood.
                if goneWhileWaiting.contains(place) { break }
                let upTo = min(count, index + parts.settings.sinkBatchRows - batch.count)
                handle.monitor.enter(.converting)
                do {
                    batch.entries.reserveCapacity(batch.count + upTo - index)
                    try reader.read(records, index..<upTo, into: &batch, skipping: skips ? { [queue] in queue.hasLetter(place, $0) } : nil)
                } catch let failure as IntolerableFailure { throw try intolerable(failure) }
                let end = upTo == count ? records.nextOffset : records.records.items[upTo - 1].offset + 1
                ends[place] = CommittedOffset(offset: end, leaderEpoch: records.leaderEpoch)
                index = upTo
                if batch.count >= parts.settings.sinkBatchRows {
                    try deliver(&batch, ends, isLast: index == count && records === consumed.last)
                    if stopped { return }
                    spent = batch.entries
                    batch.entries = []
                    ends.removeAll(keepingCapacity: true)
                }
            } while index < count
        }
        if !batch.isEmpty || !ends.isEmpty || consumed.isEmpty { try deliver(&batch, ends, isLast: true) }
        if !batch.isEmpty { spent = batch.entries }
    }

    /// - Parameter isLast: whether it holds the last of what was consumed.
    private func deliver(_ batch: inout RecordBatch, _ ends: [TopicPartition: CommittedOffset], isLast: Bool) throws {
        do {
            if !plugins.transforms.isEmpty { try plugins.transforms.apply(to: &batch) }
        } catch let failure as IntolerableFailure { throw try intolerable(failure) }
        if retry.hasFailures { try queue.take(retry.takeFailures()) }
        if batch.entries.contains(where: { !$0.outcome.isLive }) {
            batch.entries.removeAll { entry in
                if case .filtered = entry.outcome { handle.metrics.recordsFiltered.add() }
                return !entry.outcome.isLive
            }
        }
        if isLast { try lookAhead(&batch) }
        try put(&batch)
        if stopped { return }
        handle.metrics.recordsOut.add(batch.count)
        handle.metrics.batches.add()
        let assignment = Set(consumer.assignment)
        // What went away during a retry was taken out of the batch undelivered, also where it has come back since (P1).
        for (place, end) in ends where assignment.contains(place) && !goneWhileWaiting.contains(place) { offsets.delivered(place, upTo: end) }
    }

    /// The bad record is dead-lettered all the same, where a topic is set; then the task fails.
    private func intolerable(_ failure: IntolerableFailure) throws -> ConnectError {
        _ = retry.takeFailures()
        try queue.take([(failure.entry, failure.failure)])
        return failure.connectError
    }

    /// Offers a batch until it passes. While it does not, every partition is paused and the group is kept alive by polls.
    private func put(_ batch: inout RecordBatch) throws {
        var backoff = Backoff(longest: parts.settings.longestBackoffMilliseconds)
        while true {
            try endIfAbandoned()
            handle.monitor.enter(.putting)
            do {
                try task.put(batch)
                if let error = reporter?.intolerable { throw error }
                break
            } catch {
                if let intolerable = reporter?.intolerable { throw intolerable }
                let cause = ConnectError(error)
                guard cause.kind == .retriable else { throw cause }
                let wait = context.takeTimeout() ?? backoff.next()
                if backoff.attempts == 0 { _ = backoff.next() }
                handle.metrics.retries.add()
                logger.warning("put failed and is tried again in \(wait) ms (failure \(backoff.attempts) in a row)", error: cause)
                handle.monitor.setNote("put: \(cause.message) (try \(backoff.attempts + 1) in \(TaskLoop.seconds(wait)))")
                try keepWaiting(wait, &batch)
                if stopped { return }
            }
        }
        if backoff.attempts > 0 {
            handle.monitor.setNote(nil)
            applyPauses()
        }
    }

    private func keepWaiting(_ milliseconds: Int, _ batch: inout RecordBatch) throws {
        handle.monitor.enter(.backingOff)
        let end = parts.clock.monotonicNanoseconds(after: milliseconds)
        while true {
            let orders = handle.mailbox.read()
            if orders.stop {
                stopped = true
                return
            }
            if orders.paused != isPaused {
                isPaused = orders.paused
                handle.report(isPaused ? .paused : .running)
            }
            consumer.pause(consumer.assignment)
            for event in try consumer.poll(maximumBytes: 1, milliseconds: 0) {
                try rebalance(event, within: &batch)
            }
            let now = parts.clock.monotonicNanoseconds()
            if now >= end, !isPaused { return }
            let left = now >= end ? 1000 : Int((end - now + 999_999) / 1_000_000)
            _ = parts.clock.sleep(milliseconds: min(left, 1000), wake: handle.mailbox.wakeUp)
        }
    }
}
