public import ConnectRuntime
import Synchronization

/// Takes records from outside into topics: an answer means that the log has them on disk. Thread-safe.
public final class ProduceDoor: Sendable {
    private let settings: ProduceSettings
    private let log: any TopicLog
    private let clock: any WorkerClock
    private let partitionsOfNewTopics: Int32
    private let session: Mutex<Session>
    /// Requests whose records the log has neither confirmed nor refused yet.
    private let unresolved = Atomic(0)

    /// One producer session for all requests; used under its lock. What is slow (the disk) is waited for outside it.
    private struct Session {
        var producer: Producer?
        /// Counts records without a key, so that they spread over partitions.
        var keyless: UInt32 = 0
    }

    /// `@unchecked Sendable`: it never leaves the session's lock, so one thread at a time uses it.
    private struct Producer: @unchecked Sendable { let session: any LogProducer }

    private let patienceMilliseconds: Int

    /// - Parameter patienceMilliseconds: the longest a request waits for the disk.
    public init(_ settings: ProduceSettings, log: any TopicLog, partitionsOfNewTopics: Int = 1, clock: any WorkerClock = SystemClock(), patienceMilliseconds: Int = 30_000) {
        self.patienceMilliseconds = patienceMilliseconds
        self.settings = settings
        self.log = log
        self.clock = clock
        self.partitionsOfNewTopics = Int32(clamping: max(1, partitionsOfNewTopics))
        session = Mutex(Session())
    }

    struct Place {
        let partition: Int32
        let offset: Int64
    }

    func authorize(_ authorization: String?) throws {
        if let authorization, settings.credentials.contains(where: { $0.accepts(authorization) }) { return }
        var refusal = ProduceRefusal(401, 40101, authorization == nil ? "Authentication is required" : "The credentials are not accepted")
        refusal.challenges = settings.credentials.map(\.challenge)
        throw refusal
    }

    /// Appends records, all or none, and waits until they are durable.
    /// - Returns: where each went, in the order of the request.
    func append(_ body: ProduceBody, to topic: Name) throws -> [Place] {
        guard settings.topics.contains(topic) else { throw ProduceRefusal(404, 40401, "Topic not found: webhook.topics does not name it.") }
        // While the disk is full one request waits for room. What is refused beside it is not written later, as that one may be: a caller's next try doubles nothing.
        // Counted before it is looked at, so that of two that come at once only one waits.
        let others = unresolved.add(1, ordering: .relaxed).oldValue
        var isOnItsWay = false
        defer { if !isOnItsWay { unresolved.subtract(1, ordering: .relaxed) } }
        if let impediment = log.impediment, impediment.kind != .retriable || others > 0 { throw Self.refusal(impediment, "; these records were not written") }
        do {
            let count = try partitions(of: topic)
            let (ticket, places) = try session.withLock { session in try Self.begin(body, topic, count, &session, log, clock.wallMilliseconds()) }
            isOnItsWay = true
            ticket.whenResolved { _ in self.unresolved.subtract(1, ordering: .relaxed) }
            guard let outcome = ticket.wait(milliseconds: patienceMilliseconds) else {
                throw ProduceRefusal(503, 50003, "The log did not confirm the records in time; they may have been written")
            }
            switch outcome {
            case .durable(let first):
                return places.map { Place(partition: $0.partition, offset: (first[TopicPartition(topic, $0.partition)] ?? 0) + Int64($0.index)) }
            case .failed(let error): throw error
            }
        } catch let error as LogError {
            // A session that lost its transaction, or its fence, is made anew for the next request.
            session.withLock { session in
                session.producer?.session.close()
                session.producer = nil
            }
            throw Self.refusal(error)
        }
    }

    private static func refusal(_ error: LogError, _ further: String = "") -> ProduceRefusal {
        let isPassing = error.kind == .retriable || error.kind == .abortable || error.kind == .fenced
        return isPassing ? ProduceRefusal(503, 50003, error.message + further) : ProduceRefusal(500, 50002, error.message + further)
    }

    private static func begin(
        _ body: ProduceBody, _ topic: Name, _ count: Int32, _ session: inout Session, _ log: any TopicLog, _ now: Int64
    ) throws -> (ticket: CommitTicket, places: [(partition: Int32, index: Int)]) {
        var sets: [Int32: RecordSet] = [:], places: [(partition: Int32, index: Int)] = []
        for (index, item) in body.items.enumerated() {
            let key = item.key.map { ByteSlice($0) }
            let partition: Int32
            if let wanted = item.partition {
                guard wanted < count else { throw ProduceRefusal(404, 40402, "Partition not found: record \(index) names \(wanted), the topic has \(count).") }
                partition = wanted
            } else if let key {
                partition = Partitioner.partition(forKey: key, of: count)
            } else {
                partition = Int32(session.keyless % UInt32(count))
                session.keyless &+= 1
            }
            var set = sets.removeValue(forKey: partition) ?? RecordSet()
            places.append((partition, set.count))
            set.append(timestamp: now, key: key, value: item.value.map { ByteSlice($0) })
            sets[partition] = set
        }
        let producer = try session.producer ?? Producer(session: log.openProducer(ProducerID("webhook")))
        session.producer = producer
        do {
            try producer.session.begin()
            do throws(LogError) {
                for (partition, set) in sets { try producer.session.append(set, to: TopicPartition(topic, partition)) }
            } catch {
                // Without a key for a compacted topic, or more than a transaction holds: the client's to mend.
                if error.kind == .invalid { throw ProduceRefusal(422, 422, error.message) }
                throw error
            }
            return (try producer.session.commit(), places)
        } catch {
            producer.session.abort()
            throw error
        }
    }

    private func partitions(of topic: Name) throws(LogError) -> Int32 {
        if let there = try log.topic(topic) { return there.partitions }
        do { return try log.createTopic(TopicSpecification(topic, partitions: partitionsOfNewTopics)).partitions } catch {
            // Another request may have been quicker.
            guard error.kind == .invalid, let there = try log.topic(topic) else { throw error }
            return there.partitions
        }
    }

    /// Ends the session. Requests that come later are answered by a new one, or refused by a closed log.
    public func close() {
        session.withLock { session in
            session.producer?.session.close()
            session.producer = nil
        }
    }
}
