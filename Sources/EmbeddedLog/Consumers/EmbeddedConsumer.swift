internal import ConnectRuntime
internal import Synchronization

/// Reads partitions: from memory where it keeps up with the writer, from the file where it is behind.
final class EmbeddedConsumer: LogConsumer {
    private let engine: EmbeddedLog
    private let options: ConsumerOptions
    private let signal = ConsumerSignal()
    private let key: GroupCoordinator.GroupKey
    private let member: Int
    private var assigned: [TopicPartition: Place] = [:]
    /// Serves partitions by turns.
    private var order: [TopicPartition] = []
    private var leaving: Set<TopicPartition> = []
    /// Also set by whoever gives up on this consumer's thread.
    private let isClosed = Mutex(false)
    private let woken = Mutex(false)

    private struct Place {
        var partition: PartitionLog
        var position: Int64
        var isPaused = false
        /// Read already, not yet returned.
        var fetched: ArraySlice<StoredBatch> = []
        /// Their bytes.
        var fetchedBytes = 0

        mutating func forget() {
            fetched = []
            fetchedBytes = 0
        }
    }

    init(_ engine: EmbeddedLog, _ options: ConsumerOptions) {
        self.engine = engine
        self.options = options
        (key, member) = engine.coordinator.join(options.group, signal)
    }

    deinit { close() }

    func subscribe(_ subscription: Subscription) throws(LogError) {
        try checkOpen()
        engine.coordinator.subscribe(key, member, subscription)
    }

    func poll(maximumBytes: Int, milliseconds: Int) throws(LogError) -> [ConsumerEvent] {
        try checkOpen()
        let clock = engine.options.clock, start = clock.monotonicNanoseconds()
        while true {
            signal.clear()
            try checkOpen()
            let changes = engine.coordinator.synchronize(key, member)
            dropReleased(except: changes)
            if !changes.isEmpty { return try take(changes) }
            let records = try fetch(maximumBytes)
            if !records.isEmpty { return records }
            if takeWakeUp() { return [] }
            let left = Int64(milliseconds) - Int64((clock.monotonicNanoseconds() &- start) / 1_000_000)
            if left <= 0 { return [] }
            waitForRecords(Int(min(left, EmbeddedConsumer.longestWait)))
        }
    }

    func wakeUp() {
        woken.withLock { $0 = true }
        signal.set()
    }

    private func takeWakeUp() -> Bool {
        woken.withLock { woken in
            defer { woken = false }
            return woken
        }
    }

    var assignment: [TopicPartition] { order.sorted() }

    func pause(_ partitions: [TopicPartition]) { for place in partitions { assigned[place]?.isPaused = true } }
    func resume(_ partitions: [TopicPartition]) { for place in partitions { assigned[place]?.isPaused = false } }

    func position(_ partition: TopicPartition) throws(LogError) -> Int64 { try place(partition).position }

    func seek(_ partition: TopicPartition, to offset: Int64) throws(LogError) {
        let bounds = try place(partition).partition.bounds
        guard offset >= bounds.start, offset <= bounds.end else {
            throw LogError(.offsetOutOfRange, "\(partition) holds offsets \(bounds.start) to \(bounds.end); \(offset) is outside")
        }
        assigned[partition]?.position = offset
        assigned[partition]?.forget()
    }

    func committed(_ partition: TopicPartition) throws(LogError) -> CommittedOffset? {
        guard let group = options.group else { return nil }
        return engine.log.group(group)[try engine.log.partition(partition).serial]
    }

    func commit(_ offsets: [TopicPartition: CommittedOffset]) throws(LogError) {
        try checkOpen()
        guard let group = options.group else { throw LogError(.invalid, "a consumer without a group cannot commit offsets") }
        if offsets.isEmpty { return }
        var rows: [(PartitionLog, CommittedOffset?)] = []
        for (place, offset) in offsets {
            guard let known = assigned[place] else { throw notOurs(place) }
            guard offset.offset >= 0, offset.offset <= known.partition.end else {
                throw LogError(.offsetOutOfRange, "\(place) ends at \(known.partition.end); offset \(offset.offset) cannot be committed")
            }
            rows.append((known.partition, offset))
        }
        let coordinator = engine.coordinator, key = key, member = member, changes = rows
        try engine.queue.perform(isExclusive: false) { transaction in
            // Looked at where the writes are put in order: a partition that was taken away meanwhile is somebody else's.
            for (partition, _) in changes where !coordinator.owns(key, member, partition) { throw EmbeddedConsumer.notOurs(partition.topicPartition) }
            try GroupOffsets.store(group, changes, in: transaction)
        }
    }

    func close() {
        // Any thread may call this, so the owner's own state is left alone: from here on every call of the owner is refused.
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        if isFirst { engine.coordinator.leave(key, member) }
        signal.set()
    }

    // MARK: assignment

    private func take(_ changes: GroupCoordinator.Changes) throws(LogError) -> [ConsumerEvent] {
        var events: [ConsumerEvent] = []
        if !changes.lost.isEmpty {
            for partition in changes.lost { remove(partition.topicPartition) }
            events.append(.lost(changes.lost.map(\.topicPartition)))
        }
        if !changes.revoked.isEmpty {
            for partition in changes.revoked { leaving.insert(partition.topicPartition) }
            events.append(.revoked(changes.revoked.map(\.topicPartition)))
        }
        if !changes.assigned.isEmpty {
            for partition in changes.assigned {
                remove(partition.topicPartition)
                assigned[partition.topicPartition] = Place(partition: partition, position: startingPoint(partition))
                order.append(partition.topicPartition)
            }
            events.append(.assigned(changes.assigned.map(\.topicPartition)))
        }
        return events
    }

    /// What the last poll told was revoked is gone with this one.
    private func dropReleased(except changes: GroupCoordinator.Changes) {
        for place in leaving { remove(place) }
        leaving = []
    }

    private func remove(_ place: TopicPartition) {
        assigned[place] = nil
        order.removeAll { $0 == place }
    }

    /// Where the group stands, or the policy says; −1 where neither does: the owner seeks, or the next poll is refused.
    private func startingPoint(_ partition: PartitionLog) -> Int64 {
        if let group = options.group, let committed = engine.log.group(group)[partition.serial] { return committed.offset }
        switch options.resetPolicy {
        case .earliest: return partition.row.start
        case .latest: return partition.end
        case .none: return -1
        }
    }

    private func place(_ partition: TopicPartition) throws(LogError) -> Place {
        guard let place = assigned[partition] else { throw LogError(.invalid, "\(partition) is not assigned to this consumer") }
        return place
    }

    private func checkOpen() throws(LogError) {
        if isClosed.withLock({ $0 }) { throw LogError(.invalid, "the consumer is closed") }
        if let refusal = engine.queue.refusal { throw refusal }
    }

    private func notOurs(_ place: TopicPartition) -> LogError { EmbeddedConsumer.notOurs(place) }
    private static func notOurs(_ place: TopicPartition) -> LogError { LogError(.fenced, "\(place) is not this consumer's any more: its offset was not stored") }

    // MARK: records

    private func fetch(_ maximumBytes: Int) throws(LogError) -> [ConsumerEvent] {
        var events: [ConsumerEvent] = []
        var left = max(1, maximumBytes)
        for place in order where left > 0 {
            guard var now = assigned[place], !now.isPaused, !leaving.contains(place), !now.partition.isDeleted else { continue }
            do {
                while left > 0, let batch = try next(&now), events.isEmpty || batch.bytes.count <= left {
                    let records = try batch.records(of: now.partition, from: now.position)
                    now.fetched.removeFirst()
                    now.fetchedBytes -= batch.bytes.count
                    now.position = records.nextOffset
                    left -= batch.bytes.count
                    // Compaction may have emptied it.
                    if !records.records.isEmpty { events.append(.records(records)) }
                }
                assigned[place] = now
            } catch {
                now.forget()
                assigned[place] = now
                // What was found before the error is returned first; the error stands where it was and comes with the next poll.
                if events.isEmpty { throw error }
                break
            }
        }
        // The one that came first goes to the end of the line.
        if !events.isEmpty, order.count > 1 { order.append(order.removeFirst()) }
        boundHeld()
        return events
    }

    /// Bytes that are held for later polls, of all partitions together.
    var heldBytes: Int { assigned.values.reduce(0) { $0 + $1.fetchedBytes } }

    /// Each partition that is behind would hold what is left of a read, and there may be thousands: those that come last read it again.
    private func boundHeld() {
        guard order.count > Self.mostReadsHeld, heldBytes > Self.mostReadsHeld * engine.options.readByteLimit else { return }
        var held = 0
        for place in order {
            held += assigned[place]?.fetchedBytes ?? 0
            if held > Self.mostReadsHeld * engine.options.readByteLimit {
                held -= assigned[place]?.fetchedBytes ?? 0
                assigned[place]?.forget()
            }
        }
    }

    private static let mostReadsHeld = 4

    /// The batch at a partition's position, read where necessary; `nil` at the end.
    private func next(_ place: inout Place) throws(LogError) -> StoredBatch? {
        if place.position < 0 {
            throw LogError(
                .offsetOutOfRange, "group \(options.group?.text ?? "(none)") has no committed offset for \(place.partition.topicPartition)",
                suggestion: "set one, or read from the earliest or latest offset")
        }
        if place.fetched.isEmpty {
            if place.position == place.partition.end { return nil }
            place.fetched = try engine.batches(of: place.partition, from: place.position)[...]
            place.fetchedBytes = place.fetched.reduce(0) { $0 + $1.bytes.count }
        }
        return place.fetched.first
    }

    private func waitForRecords(_ milliseconds: Int) {
        var serials: Set<Int64> = []
        for place in assigned.values where !place.isPaused { serials.insert(place.partition.serial) }
        engine.waiters.add(signal, serials: serials)
        defer { engine.waiters.remove(signal) }
        // What was appended between the last look and the line above would wake nobody: look again.
        for place in assigned.values where !place.isPaused && place.position < place.partition.end { return }
        signal.wait(milliseconds: milliseconds)
    }

    /// A silent member of the group is noticed after this at the latest.
    private static let longestWait: Int64 = 1000
}
