/// Writes dead letters exactly once: each in one log transaction with a row that says so, under the sink task's epoch, before the
/// target commits (D7). On replay a record that has a row is known.
final class DeadLetterQueue {
    private let log: any TopicLog
    private let producer: any LogProducer
    private let policy: ErrorPolicy
    private let handle: TaskHandle
    private let clock: any WorkerClock
    private let logger: Logger
    private var partitions: Int32 = 1
    /// Offsets whose letter is written, of the partitions this task has.
    private var written: [TopicPartition: Set<Int64>] = [:]
    private var topicIDs: [TopicPartition: TopicID] = [:]

    init(log: any TopicLog, producer: any LogProducer, policy: ErrorPolicy, handle: TaskHandle, clock: any WorkerClock, logger: Logger) {
        self.log = log
        self.producer = producer
        self.policy = policy
        self.handle = handle
        self.clock = clock
        self.logger = logger
    }

    private var connector: Name { handle.specification.connector }

    /// Makes the dead letter topic where there is none. Throwing fails the start of the task.
    func prepare() throws {
        guard let topic = policy.deadLetterTopic else { return }
        if let there = try log.topic(topic) {
            partitions = there.partitions
            return
        }
        do {
            _ = try log.createTopic(TopicSpecification(topic, partitions: 1))
        } catch {
            guard error.kind == .invalid, let there = try log.topic(topic) else {
                throw error.connectError.context("the dead letter topic \(topic) cannot be made")
            }
            partitions = there.partitions
        }
    }

    /// Reads the rows of a partition that came, after the target was claimed; rows before `position` have done their work.
    func open(_ partition: AssignedPartition, position: Int64) throws {
        let place = partition.topicPartition
        topicIDs[place] = partition.topicID
        let prefix = DeadLetterKey.prefix(connector: connector, topicID: partition.topicID, partition: place.partition)
        var offsets: Set<Int64> = []
        for row in try log.progress(prefix: prefix) {
            if let offset = DeadLetterKey.offset(of: row.key, after: prefix) { offsets.insert(offset) }
        }
        written[place] = offsets.isEmpty ? nil : offsets
        try prune(place, before: position)
    }

    func close(_ partition: TopicPartition) {
        written[partition] = nil
        topicIDs[partition] = nil
    }

    /// Whether any letter of a partition is known: spares the look-up for each record.
    func hasLetters(_ partition: TopicPartition) -> Bool { written[partition] != nil }
    func hasLetter(_ partition: TopicPartition, _ offset: Int64) -> Bool { written[partition]?.contains(offset) ?? false }

    /// Logs, counts and dead-letters failures. When it returns, every letter is durable, once.
    /// - Throws: when a letter cannot be written: the task fails, since going on would lose the record.
    func take(_ failures: [(entry: RecordBatch.Entry, failure: RecordFailure)]) throws {
        for (entry, failure) in failures {
            ErrorLog.write(failure, entry, connector: connector, task: handle.specification.task, isSink: true, policy: policy, to: logger)
        }
        if policy.tolerance == .all { handle.metrics.recordsSkipped.add(failures.count) }
        guard let topic = policy.deadLetterTopic else {
            if policy.tolerance == .all {
                for (entry, failure) in failures {
                    logger.warning("\(Coordinates.words(entry)) is passed over: errors.tolerance=all and no dead letter topic", error: failure.error)
                }
            }
            return
        }
        var letters = Letters(partitions)
        var known: Set<Letters.Place> = []
        for (entry, failure) in failures {
            guard case .log(let origin) = entry.origin else { continue }
            let place = origin.topicPartition, offset = origin.offset
            if hasLetter(place, offset) || !known.insert(Letters.Place(partition: place, offset: offset)).inserted { continue }
            let key = origin.rawKey
            let chosen = key.map { Partitioner.partition(forKey: $0, of: partitions) } ?? 0
            let headers = DeadLetterRecord.headers(
                origin, failure, connector: connector, task: handle.specification.task, context: policy.addsContextHeaders)
            let size = RecordSize(key: key?.count ?? 0, value: origin.rawValue?.count ?? 0, headers: headers)
            // Each letter stands with its own row: they need not be of one transaction, and may be more than one holds.
            if !letters.rows.isEmpty, letters.byteCount + size.bytes > producer.transactionByteLimit / 2 {
                try write(letters, topic)
                letters = Letters(partitions)
            }
            letters.byteCount += size.bytes
            letters.sets[Int(chosen)].append(timestamp: origin.timestamp, key: key, value: origin.rawValue, headers: headers)
            letters.rows.append(
                ProgressRow(
                    key: DeadLetterKey.key(connector: connector, topicID: origin.source.topicID, partition: place.partition, offset: offset),
                    value: Array(failure.error.code.utf8)))
            letters.places.append(Letters.Place(partition: place, offset: offset))
        }
        if !letters.rows.isEmpty { try write(letters, topic) }
    }

    /// What one transaction is to hold: records by partition of the dead letter topic, and for each its row.
    private struct Letters {
        struct Place: Hashable {
            let partition: TopicPartition
            let offset: Int64
        }
        var sets: [RecordSet]
        var rows: [ProgressRow] = []
        var places: [Place] = []
        var byteCount = 0
        init(_ partitions: Int32) { sets = Array(repeating: RecordSet(), count: Int(partitions)) }
    }

    private func write(_ letters: Letters, _ topic: Name) throws {
        do {
            try producer.begin()
            for (index, set) in letters.sets.enumerated() where !set.isEmpty { try producer.append(set, to: TopicPartition(topic, Int32(index))) }
            try producer.storeProgress(letters.rows)
            try wait(for: producer.commit(), topic)
        } catch {
            producer.abort()
            let cause = ConnectError(error)
            if cause.kind == .fenced || cause.kind == .retriable { throw cause }
            throw ConnectError(
                .fatal, code: "dead_letter.not_written", "\(letters.rows.count) dead letter(s) for topic \(topic) cannot be written: \(cause.message)",
                suggestion: cause.suggestion, causes: [cause.description])
        }
        for place in letters.places { written[place.partition, default: []].insert(place.offset) }
        handle.metrics.deadLetters.add(letters.rows.count)
    }

    /// The group's offset has passed these: their rows are not needed any more.
    func committed(_ offsets: [TopicPartition: Int64]) throws {
        for (place, offset) in offsets where written[place] != nil { try prune(place, before: offset) }
    }

    private func prune(_ place: TopicPartition, before offset: Int64) throws {
        guard let known = written[place], let topicID = topicIDs[place] else { return }
        let gone = known.filter { $0 < offset }
        if gone.isEmpty { return }
        try producer.begin()
        try producer.storeProgress(
            gone.sorted().map {
                ProgressRow(key: DeadLetterKey.key(connector: connector, topicID: topicID, partition: place.partition, offset: $0), value: nil)
            })
        // Nobody waits for it: rows that stay a while longer do no harm.
        _ = try producer.commit()
        let left = known.subtracting(gone)
        written[place] = left.isEmpty ? nil : left
    }

    private func wait(for ticket: CommitTicket, _ topic: Name) throws {
        handle.monitor.enter(.committing)
        var waited = 0
        while true {
            if let outcome = ticket.wait(milliseconds: 100) {
                handle.monitor.setNote(nil)
                switch outcome {
                case .durable: return
                case .failed(let error): throw error
                }
            }
            waited += 100
            if waited >= 2000 { handle.monitor.setNote("waits for dead letters to become durable in \(topic), \(waited / 1000) s") }
            if handle.mailbox.read().stop {
                throw ConnectError(.retriable, code: "task.stopped", "stopped while dead letters were on their way")
            }
        }
    }
}
