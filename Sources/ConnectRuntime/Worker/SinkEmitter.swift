/// Writes records of a sink's own to topics, under the sink task's session: a task that was fenced emits nothing.
final class SinkEmitter {
    private let log: any TopicLog
    private let producer: any LogProducer
    private let handle: TaskHandle
    /// Partitions of the topics that were written to.
    private var partitions: [Name: Int32] = [:]

    init(log: any TopicLog, producer: any LogProducer, handle: TaskHandle) {
        self.log = log
        self.producer = producer
        self.handle = handle
    }

    /// Several transactions where one does not hold all: emitting is at least once in any case.
    func emit(_ records: RecordSet, to topic: Name) throws {
        if records.isEmpty { return }
        try checkSizes(records, topic)
        let count = try partitionCount(of: topic)
        if count == 1, RecordSize(all: records).bytes <= target { return try write([0: records], topic) }
        // At most one transaction's worth is copied at a time.
        var sets: [Int32: RecordSet] = [:], bytes = 0
        for index in 0..<records.count {
            let size = RecordSize(index, of: records).bytes
            if bytes > 0, bytes + size > target {
                try write(sets, topic)
                sets = [:]
                bytes = 0
            }
            bytes += size
            let key = records.key(at: index)
            let partition = key.map { Partitioner.partition(forKey: $0, of: count) } ?? 0
            sets[partition, default: RecordSet()].append(
                timestamp: records.items[index].timestamp, key: key, value: records.value(at: index), headers: records.headers(at: index))
        }
        try write(sets, topic)
    }

    /// What one transaction is filled with; a larger record goes alone.
    private var target: Int { producer.transactionByteLimit / 2 }

    /// - Throws: ``ConnectError`` `.fatal` for a record that no transaction holds, before anything is written.
    private func checkSizes(_ records: RecordSet, _ topic: Name) throws {
        let limit = producer.transactionByteLimit - producer.transactionByteLimit / RecordSize.reserve
        // Mostly all of them together are smaller.
        if RecordSize(all: records).bytes <= limit { return }
        for index in 0..<records.count {
            let size = RecordSize(index, of: records)
            if size.bytes <= limit { continue }
            let key = records.key(at: index).map { $0.withUnsafeBytes { RecordSize.shown($0) } }
            throw ConnectError(
                .fatal, code: "record.too_large", size.words(topic: topic, key: key, limit: limit),
                suggestion: "raise the worker's log.transaction.max.bytes, or have the sink write less into topic \(topic)")
        }
    }

    private func write(_ sets: [Int32: RecordSet], _ topic: Name) throws {
        do {
            try producer.begin()
            for (partition, set) in sets { try producer.append(set, to: TopicPartition(topic, partition)) }
            try wait(for: producer.commit(), topic)
        } catch {
            producer.abort()
            partitions[topic] = nil
            throw ConnectError(error)
        }
    }

    private func partitionCount(of topic: Name) throws -> Int32 {
        if let known = partitions[topic] { return known }
        let description: TopicDescription
        if let there = try log.topic(topic) {
            description = there
        } else {
            do { description = try log.createTopic(TopicSpecification(topic)) } catch {
                // Another task may have been quicker.
                guard error.kind == .invalid, let there = try log.topic(topic) else { throw error }
                description = there
            }
        }
        partitions[topic] = description.partitions
        return description.partitions
    }

    private func wait(for ticket: CommitTicket, _ topic: Name) throws {
        handle.monitor.enter(.committing)
        while true {
            if let outcome = ticket.wait(milliseconds: 100) {
                handle.monitor.enter(.putting)
                switch outcome {
                case .durable: return
                case .failed(let error): throw error
                }
            }
            if handle.mailbox.read().stop {
                throw ConnectError(.retriable, code: "task.stopped", "stopped while records were on their way to topic \(topic)")
            }
        }
    }
}
