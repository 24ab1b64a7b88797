/// Where records of a source go: topics that exist or are made at their first record, and the bytes gathered for each partition.
///
/// The topic of the record before is looked at first, so that a run of one topic costs no search.
struct TopicRoutes {
    struct Route {
        let topic: Name
        let partitions: Int32
        /// Bytes for each partition, kept from transaction to transaction.
        var sets: [RecordSet]
        /// Where records without key go until the next transaction.
        var keyless: Int32 = 0
    }

    private let log: any TopicLog
    private let creation: TopicCreation
    private let logger: Logger
    private(set) var routes: [Route] = []
    private var last = 0
    private var indexes: [Name: Int] = [:]
    /// Bytes gathered for the open transaction.
    private(set) var byteCount = 0
    private(set) var recordCount = 0

    init(log: any TopicLog, creation: TopicCreation, logger: Logger) {
        self.log = log
        self.creation = creation
        self.logger = logger
    }

    /// Adds one record's bytes to its topic's partition.
    /// - Throws: ``ConnectError`` of kind `.data` for a partition the topic does not have; what the log throws when it makes a topic.
    mutating func append(
        topic: Name, partition: Int32?, timestamp: Int64, key: borrowing ByteBuffer, hasKey: Bool, value: borrowing ByteBuffer,
        hasValue: Bool, headers: [RawHeader]
    ) throws {
        let chosen = try choose(topic, partition) { partitions in hasKey ? key.withUnsafeBytes { Partitioner.partition(forKey: $0, of: partitions) } : nil }
        let before = routes[last].sets[Int(chosen)].byteCount
        try routes[last].sets[Int(chosen)].append(
            timestamp: timestamp,
            key: { arena in
                if hasKey { key.withUnsafeBytes { arena.append($0) } }
                return hasKey
            },
            value: { arena in
                if hasValue { value.withUnsafeBytes { arena.append($0) } }
                return hasValue
            }, headers: headers)
        byteCount += routes[last].sets[Int(chosen)].byteCount - before
        recordCount += 1
    }

    /// The topics that something was gathered for.
    var written: [Name] { routes.filter { $0.sets.contains { !$0.isEmpty } }.map(\.topic) }

    /// Adds a record that is written already.
    mutating func append(_ index: Int, of set: borrowing RecordSet, topic: Name, partition: Int32?) throws {
        let key = set.key(at: index)
        let chosen = try choose(topic, partition) { partitions in key?.withUnsafeBytes { Partitioner.partition(forKey: $0, of: partitions) } }
        let before = routes[last].sets[Int(chosen)].byteCount
        routes[last].sets[Int(chosen)].appendSpan(of: index, in: set)
        byteCount += routes[last].sets[Int(chosen)].byteCount - before
        recordCount += 1
    }

    /// Adds all records of a set that are for one topic, where it has one partition.
    /// - Returns: false where it has more: nothing is added.
    mutating func append(_ set: borrowing RecordSet, topic: Name) throws -> Bool {
        if last >= routes.count || routes[last].topic != topic { last = try index(of: topic) }
        guard routes[last].partitions == 1, routes[last].sets[0].hasRoom(for: set) else { return false }
        let before = routes[last].sets[0].byteCount
        routes[last].sets[0].append(contentsOf: set)
        byteCount += routes[last].sets[0].byteCount - before
        recordCount += set.count
        return true
    }

    /// Finds a record's topic, makes it where it may, and chooses the partition.
    /// - Parameter byKey: the partition of the record's key among so many, `nil` without one.
    @inline(__always)
    private mutating func choose(_ topic: Name, _ partition: Int32?, byKey: (Int32) -> Int32?) throws -> Int32 {
        if last >= routes.count || routes[last].topic != topic { last = try index(of: topic) }
        if let partition {
            guard partition >= 0, partition < routes[last].partitions else {
                throw ConnectError(
                    .data, code: "record.no_such_partition",
                    "a record is for partition \(partition) of topic \(topic), which has \(routes[last].partitions)")
            }
            return partition
        }
        return routes[last].partitions == 1 ? 0 : byKey(routes[last].partitions) ?? routes[last].keyless
    }

    /// Hands everything gathered to the open transaction and forgets it.
    mutating func hand(to producer: any LogProducer) throws(LogError) {
        for route in routes.indices {
            for partition in routes[route].sets.indices where !routes[route].sets[partition].isEmpty {
                try producer.append(
                    routes[route].sets[partition], to: TopicPartition(routes[route].topic, Int32(partition)))
            }
        }
        forget()
    }

    mutating func forget() {
        for route in routes.indices {
            for partition in routes[route].sets.indices where !routes[route].sets[partition].isEmpty {
                routes[route].sets[partition] = RecordSet(capacity: routes[route].sets[partition].arena.count)
            }
            if routes[route].partitions > 1 { routes[route].keyless = (routes[route].keyless + 1) % routes[route].partitions }
        }
        byteCount = 0
        recordCount = 0
    }

    private mutating func index(of topic: Name) throws -> Int {
        if let known = indexes[topic] { return known }
        let description = try description(of: topic)
        routes.append(
            Route(topic: topic, partitions: description.partitions, sets: Array(repeating: RecordSet(), count: Int(description.partitions))))
        indexes[topic] = routes.count - 1
        return routes.count - 1
    }

    private func description(of topic: Name) throws -> TopicDescription {
        if let there = try log.topic(topic) { return there }
        do {
            let made = try log.createTopic(creation.specification(for: topic))
            logger.info("made topic \(topic) with \(made.partitions) partition(s)")
            return made
        } catch {
            // Somebody else may have made it in between.
            if error.kind == .invalid, let there = try log.topic(topic) { return there }
            throw error
        }
    }
}
