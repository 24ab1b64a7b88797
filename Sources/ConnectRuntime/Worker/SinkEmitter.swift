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

    func emit(_ records: RecordSet, to topic: Name) throws {
        if records.isEmpty { return }
        let count = try partitionCount(of: topic)
        do {
            try producer.begin()
            for (partition, set) in split(records, count) { try producer.append(set, to: TopicPartition(topic, partition)) }
            try wait(for: producer.commit(), topic)
        } catch {
            producer.abort()
            partitions[topic] = nil
            throw ConnectError(error)
        }
    }

    private func split(_ records: RecordSet, _ count: Int32) -> [(partition: Int32, records: RecordSet)] {
        if count == 1 { return [(0, records)] }
        var sets: [Int32: RecordSet] = [:]
        for index in 0..<records.count {
            let key = records.key(at: index)
            let partition = key.map { Partitioner.partition(forKey: $0, of: count) } ?? 0
            sets[partition, default: RecordSet()].append(
                timestamp: records.items[index].timestamp, key: key, value: records.value(at: index), headers: records.headers(at: index))
        }
        return sets.map { ($0.key, $0.value) }
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
