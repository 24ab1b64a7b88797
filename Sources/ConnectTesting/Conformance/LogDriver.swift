public import ConnectRuntime

/// What the suites of a log need: a way to open the same log again and again (once at a time).
public struct TopicLogSubject: Sendable {
    public let open: @Sendable () throws -> any TopicLog
    public init(open: @escaping @Sendable () throws -> any TopicLog) { self.open = open }

    func use(_ body: (LogDriver) throws -> Void) throws {
        let log = try open()
        defer { log.close() }
        try body(LogDriver(log))
    }
}

/// Short ways to drive a log in a case. Waits are generous bounds, never pauses.
struct LogDriver {
    static let patience = 20_000
    let log: any TopicLog
    init(_ log: any TopicLog) { self.log = log }

    func topic(_ name: Name, partitions: Int32 = 1) throws { _ = try log.createTopic(TopicSpecification(name, partitions: partitions)) }

    static func records(_ values: [String], timestamp: Int64 = 1_700_000_000_000) -> RecordSet {
        var set = RecordSet()
        for value in values { set.append(timestamp: timestamp, key: nil, value: ByteSlice(Array(value.utf8))) }
        return set
    }

    @discardableResult
    func produce(_ values: [String], to place: TopicPartition, by producer: any LogProducer) throws -> Int64 {
        try producer.begin()
        try producer.append(Self.records(values), to: place)
        return try unwrap(try Self.durable(producer.commit())[place], "the commit names no offset for \(place)")
    }

    @discardableResult
    func produce(_ values: [String], to place: TopicPartition, id: Name = "source/test/0") throws -> Int64 {
        let producer = try log.openProducer(ProducerID(id))
        defer { producer.close() }
        return try produce(values, to: place, by: producer)
    }

    static func outcome(_ ticket: CommitTicket) throws -> CommitTicket.Outcome {
        try unwrap(ticket.wait(milliseconds: patience), "a commit has no outcome after \(patience / 1000) s")
    }

    @discardableResult
    static func durable(_ ticket: CommitTicket) throws -> [TopicPartition: Int64] {
        switch try outcome(ticket) {
        case .durable(let offsets): return offsets
        case .failed(let error): throw error
        }
    }

    /// Runs something that must be refused, by a throw or by its ticket.
    static func refusal(_ what: String, _ body: () throws -> CommitTicket?) throws -> LogError {
        do {
            guard let ticket = try body() else { throw ConformanceFailure("\(what) was not refused") }
            guard case .failed(let error) = try outcome(ticket) else { throw ConformanceFailure("\(what) was not refused") }
            return error
        } catch let error as LogError {
            return error
        }
    }

    static func expectRefusal(_ kind: LogError.Kind, _ what: String, _ body: () throws -> Void) throws {
        do { try body() } catch let error as LogError {
            return try expectEqual(error.kind, kind, "\(what) is refused as it should be (\(error.message))")
        }
        throw ConformanceFailure("\(what) was not refused")
    }

    func consumer(_ topics: [Name], group: Name? = nil, reset: ConsumerOptions.ResetPolicy = .earliest) throws -> any LogConsumer {
        let consumer = try log.openConsumer(ConsumerOptions(group: group, resetPolicy: reset, clientID: "conformance-0"))
        try consumer.subscribe(.topics(topics))
        return consumer
    }

    /// Polls until the consumer has exactly these partitions.
    func settle(_ consumer: any LogConsumer, on expected: [TopicPartition]) throws {
        try Self.until("the assignment is \(expected)") {
            if consumer.assignment == expected.sorted() { return true }
            _ = try consumer.poll(maximumBytes: 1 << 20, milliseconds: 50)
            return consumer.assignment == expected.sorted()
        }
    }

    /// All values of the partitions a consumer gets, by partition, until `count` came.
    func read(_ consumer: any LogConsumer, count: Int) throws -> [TopicPartition: [String]] {
        var found: [TopicPartition: [String]] = [:], total = 0
        try Self.until("\(count) records came") {
            if total >= count { return true }
            for case .records(let records) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 200) {
                for index in 0..<records.records.count {
                    found[records.topicPartition, default: []].append(records.records.value(at: index)?.utf8Text ?? "null")
                    total += 1
                }
            }
            return total >= count
        }
        return found
    }

    /// Everything that is in a topic now, read without a group.
    func contents(_ topic: Name) throws -> [TopicPartition: [String]] {
        let description = try unwrap(try log.topic(topic), "topic \(topic) is missing")
        let consumer = try consumer([topic])
        defer { consumer.close() }
        let places = (0..<description.partitions).map { TopicPartition(topic, $0) }
        var found: [TopicPartition: [String]] = [:]
        try settle(consumer, on: places)
        try Self.until("topic \(topic) is read to its end") {
            for case .records(let records) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 50) {
                for index in 0..<records.records.count { found[records.topicPartition, default: []].append(records.records.value(at: index)?.utf8Text ?? "null") }
            }
            return try places.allSatisfy { try consumer.position($0) == log.bounds(of: $0).end }
        }
        return found
    }

    static func until(_ what: String, _ body: () throws -> Bool) throws {
        let clock = SystemClock(), start = clock.monotonicNanoseconds()
        while try !body() {
            if clock.monotonicNanoseconds() &- start > UInt64(patience) * 1_000_000 { throw ConformanceFailure("waited in vain until \(what)") }
        }
    }
}
