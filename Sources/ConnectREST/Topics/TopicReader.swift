public import ConnectRuntime

/// Where reading a topic begins.
public enum ReadingStart: Sendable {
    /// The first record there is, or the end, unless the group has been somewhere.
    case earliest, latest
    /// Exactly here; partitions not named begin at their first record.
    case positions([Int32: Int64])
}

/// Reads a topic piece by piece without being a member of any group: for people who look. A group is only a place to begin;
/// who reads on its behalf commits with ``commit(_:group:topic:log:)`` what was shown.
public final class TopicReader {
    private let consumer: any LogConsumer
    private let topic: TopicDescription
    private var positions: [Int32: CommittedOffset] = [:]
    private var pending: [ConsumedRecords] = []

    /// Longest wait for a partition's assignment; the embedded engine assigns at once.
    private static let assignmentMilliseconds = 5_000

    public init(_ name: Name, start: ReadingStart, group: Name?, log: any TopicLog) throws(LogError) {
        topic = try TopicJSON.find(name, log)
        consumer = try log.openConsumer(ConsumerOptions(group: nil, resetPolicy: .earliest, clientID: "connectd-topics"))
        var committed: [TopicPartition: CommittedOffset] = [:]
        if let group { committed = try log.committedOffsets(group: group) }
        for number in 0..<topic.partitions {
            let partition = TopicPartition(name, number)
            let bounds = try log.bounds(of: partition)
            let offset: Int64
            var epoch: Int32 = -1
            if case .positions(let given) = start, let position = given[number] {
                offset = position
            } else if let known = committed[partition] {
                offset = known.offset
                epoch = known.leaderEpoch
            } else if case .latest = start {
                offset = bounds.end
            } else {
                offset = bounds.start
            }
            // What retention removed cannot be read any more; what is not there yet was never shown to anybody.
            guard offset <= bounds.end else {
                throw LogError(
                    .offsetOutOfRange, "\(partition) ends at \(bounds.end), offset \(offset) is beyond it",
                    suggestion: "The topic was made anew or the offset is wrong; read from the beginning")
            }
            positions[number] = CommittedOffset(offset: max(offset, bounds.start), leaderEpoch: epoch)
        }
        try consumer.subscribe(.topics([name]))
        let deadline = SystemClock().monotonicNanoseconds() + UInt64(Self.assignmentMilliseconds) * 1_000_000
        while consumer.assignment.count < Int(topic.partitions), SystemClock().monotonicNanoseconds() < deadline {
            consumer.pause(consumer.assignment)
            _ = try consumer.poll(maximumBytes: 1, milliseconds: 100)
        }
        for (number, position) in positions { try consumer.seek(TopicPartition(name, number), to: position.offset) }
        consumer.resume(consumer.assignment)
    }

    deinit { consumer.close() }

    /// What comes next, per partition in offset order; empty when nothing came in time.
    public func next(maximumBytes: Int, milliseconds: Int) throws(LogError) -> [ConsumedRecords] {
        if !pending.isEmpty {
            defer { pending = [] }
            return pending
        }
        var found: [ConsumedRecords] = []
        for event in try consumer.poll(maximumBytes: maximumBytes, milliseconds: milliseconds) {
            if case .records(let records) = event { found.append(records) }
        }
        return found
    }

    /// Gives back what was not, or not wholly, shown: it comes first next time.
    func putBack(_ records: ArraySlice<ConsumedRecords>) { pending = Array(records) }

    /// Notes that everything before `offset` was shown.
    public func advance(_ partition: Int32, to offset: Int64, epoch: Int32) {
        positions[partition] = CommittedOffset(offset: offset, leaderEpoch: epoch)
    }

    /// The next offset to read of a partition, and the epoch of the record before it.
    public func position(_ partition: Int32) -> CommittedOffset { positions[partition] ?? CommittedOffset(offset: 0) }

    public var partitions: Range<Int32> { 0..<topic.partitions }
}
