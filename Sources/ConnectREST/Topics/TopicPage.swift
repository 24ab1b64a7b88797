public import ConnectRuntime

/// One answer of reading a topic: some records as they are shown, and where to go on.
public struct TopicPage: Sendable {
    public struct Position: Sendable, Hashable {
        public let partition: Int32
        /// The next offset to read, and the epoch of the record before it.
        public let offset: Int64
        public let leaderEpoch: Int32
        /// Where the partition ended when the page was made.
        public let end: Int64

        public init(partition: Int32, offset: Int64, leaderEpoch: Int32, end: Int64) {
            self.partition = partition
            self.offset = offset
            self.leaderEpoch = leaderEpoch
            self.end = end
        }
    }

    public let records: [JSON]
    public let next: [Position]
    /// What ended the page early: what precedes it is good, nothing after it can be read.
    public let error: ConnectError?

    public init(records: [JSON], next: [Position], error: ConnectError?) {
        self.records = records
        self.next = next
        self.error = error
    }

    /// Reads at most so many records, waiting at most so long for the first that is not there yet; what is there is read without that wait.
    /// - Parameter isOver: looked at a few times a second while it waits: ends the wait.
    public static func read(
        _ reader: TopicReader, topic: Name, format: RecordFormat, maximumRecords: Int, milliseconds: Int, log: any TopicLog, isOver: () -> Bool = { false }
    ) throws(LogError) -> TopicPage {
        var shown: [JSON] = []
        var failure: ConnectError?
        var ends: [Int32: Int64] = [:]
        for partition in reader.partitions { ends[partition] = try? log.bounds(of: TopicPartition(topic, partition)).end }
        let clock = SystemClock()
        let deadline = clock.monotonicNanoseconds() + UInt64(max(0, milliseconds)) * 1_000_000
        var bytes = 0
        reading: while shown.count < maximumRecords, bytes < pageBytes {
            let now = clock.monotonicNanoseconds()
            let isBehind = reader.partitions.contains { reader.position($0).offset < ends[$0] ?? 0 }
            if !isBehind, now >= deadline || !shown.isEmpty || isOver() { break }
            let wait = isBehind ? readMilliseconds : min(stepMilliseconds, Int((deadline - now) / 1_000_000) + 1)
            let sets: [ConsumedRecords]
            do throws(LogError) {
                sets = try reader.next(maximumBytes: pageBytes, milliseconds: wait)
            } catch {
                if shown.isEmpty, error.kind != .damaged { throw error }
                failure = error.connectError
                break
            }
            if sets.isEmpty, isBehind || clock.monotonicNanoseconds() >= deadline { break }
            for (number, set) in sets.enumerated() {
                bytes += set.records.byteCount
                let partition = set.topicPartition.partition
                for index in 0..<set.records.count {
                    let offset = set.records.items[index].offset
                    if offset < reader.position(partition).offset { continue }
                    if shown.count >= maximumRecords {
                        reader.putBack(sets[number...])
                        break reading
                    }
                    do {
                        shown.append(try format.json(set, index, schemas: log.schemas))
                    } catch {
                        failure = ConnectError(error)
                        break reading
                    }
                    reader.advance(partition, to: offset + 1, epoch: set.leaderEpoch)
                }
                if set.nextOffset > reader.position(partition).offset {
                    reader.advance(partition, to: set.nextOffset, epoch: set.leaderEpoch)
                }
            }
        }
        var next: [Position] = []
        for partition in reader.partitions {
            let position = reader.position(partition)
            // A damaged log may not know its bounds; then the position is all there is to say.
            let end = (try? log.bounds(of: TopicPartition(topic, partition)).end) ?? position.offset
            next.append(Position(partition: partition, offset: position.offset, leaderEpoch: position.leaderEpoch, end: end))
        }
        return TopicPage(records: shown, next: next, error: failure)
    }

    /// Bytes asked of the log at a time, and beyond which a page is full.
    private static let pageBytes = 1 << 20
    /// How long one wait lasts before it is looked whether there is still somebody to wait for.
    private static let stepMilliseconds = 100
    /// The longest a read of records that are there may take.
    private static let readMilliseconds = 5_000

    var json: JSON {
        .object([
            JSON.Member("records", .array(records)),
            JSON.Member(
                "next",
                .array(
                    next.map { position in
                        .object([
                            JSON.Member("partition", .integer(Int64(position.partition))), JSON.Member("offset", .integer(position.offset)),
                            JSON.Member("leader_epoch", .integer(Int64(position.leaderEpoch))), JSON.Member("end", .integer(position.end)),
                        ])
                    })),
            JSON.Member(
                "error",
                error.map { error in
                    .object([
                        JSON.Member("code", .string(error.code)), JSON.Member("message", .string(error.message)),
                        JSON.Member("suggestion", error.suggestion.map { .string($0) } ?? .null),
                    ])
                } ?? .null),
        ])
    }
}
