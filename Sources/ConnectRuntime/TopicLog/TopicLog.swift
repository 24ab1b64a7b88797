/// Where topics live: the embedded engine of one process, or a Kafka cluster. "Is a topic log" means: passes `TopicLogConformance`.
///
/// Thread-safe: any thread may call any method. Every call that waits has a bound of its own or takes a deadline.
public protocol TopicLog: AnyObject, Sendable {
    /// Stable for the life of the log; shown as `kafka_cluster_id`.
    var clusterID: String { get }

    /// All topics, sorted by name.
    func topics() throws(LogError) -> [TopicDescription]

    /// `nil` when there is none of that name.
    func topic(_ name: Name) throws(LogError) -> TopicDescription?

    /// Makes a topic, durably. An existing one of that name is `.invalid`.
    func createTopic(_ specification: TopicSpecification) throws(LogError) -> TopicDescription

    /// Removes a topic and its records, durably; `.unknownTopic` when there is none.
    func deleteTopic(_ name: Name) throws(LogError)

    /// Start, end and epochs of a partition.
    func bounds(of partition: TopicPartition) throws(LogError) -> PartitionBounds

    /// Opens a producer session under a stable id and fences every older session of that id: the epoch it gets is higher than
    /// any before, also across restarts, and the deletion and re-creation of whoever uses the id (P5).
    func openProducer(_ id: ProducerID) throws(LogError) -> any LogProducer

    /// Opens a consumer. With a group, partitions of its subscription are shared among the group's members.
    func openConsumer(_ options: ConsumerOptions) throws(LogError) -> any LogConsumer

    /// What a consumer group has committed.
    func committedOffsets(group: Name) throws(LogError) -> [TopicPartition: CommittedOffset]

    /// Sets (or with `nil` removes) committed offsets of a group without members; `.invalid` while it has any.
    func alterCommittedOffsets(group: Name, _ offsets: [TopicPartition: CommittedOffset?]) throws(LogError)

    /// Schemas kept beside the records, `nil` where the engine has no such thing (Kafka).
    var schemas: (any LogSchemas)? { get }

    /// Source offsets, written by producer sessions in the transaction of the records (P1).
    var offsets: any OffsetStore { get }

    /// Rows of progress a producer session wrote with ``LogProducer/storeProgress(_:)``, by prefix of their key, in byte order of the keys.
    func progress(prefix: [UInt8]) throws(LogError) -> [ProgressRow]

    /// What keeps the log from taking records at the moment, `nil` while it takes them: `.retriable` while it goes on by itself once something
    /// is mended (room on a disk), `.fatal` when it has stopped or is closed. Cheap and never waits: health checks ask it.
    var impediment: LogError? { get }

    /// Ends the log after everything accepted so far is durable. Later calls are `.fatal`. A second call does nothing.
    func close()
}

/// What somebody wants a new topic to be.
public struct TopicSpecification: Sendable, Hashable {
    public var name: Name
    public var partitions: Int32
    public var configuration: TopicConfiguration
    public init(_ name: Name, partitions: Int32 = 1, configuration: TopicConfiguration = TopicConfiguration()) {
        self.name = name
        self.partitions = partitions
        self.configuration = configuration
    }
}

/// Kafka's topic settings that every engine honours.
public struct TopicConfiguration: Sendable, Hashable {
    /// `retention.ms`; `nil` keeps records for ever. Counted from append time.
    public var retentionMilliseconds: Int64?
    /// `retention.bytes` per partition; `nil` without limit.
    public var retentionBytes: Int64?
    /// `cleanup.policy=compact`: the last record of each key stays.
    public var isCompacted: Bool
    public init(retentionMilliseconds: Int64? = nil, retentionBytes: Int64? = nil, isCompacted: Bool = false) {
        self.retentionMilliseconds = retentionMilliseconds
        self.retentionBytes = retentionBytes
        self.isCompacted = isCompacted
    }
}

public struct TopicDescription: Sendable, Hashable {
    public let name: Name
    public let id: TopicID
    public let partitions: Int32
    public let configuration: TopicConfiguration
    public init(name: Name, id: TopicID, partitions: Int32, configuration: TopicConfiguration) {
        self.name = name
        self.id = id
        self.partitions = partitions
        self.configuration = configuration
    }
}

/// What a partition holds.
public struct PartitionBounds: Sendable, Hashable {
    /// The first offset that can be read.
    public let start: Int64
    /// One past the last committed record (the last stable offset): the next record gets it or a higher one.
    public let end: Int64
    /// For each leader epoch its first offset, ascending (KIP-320).
    public let epochs: [EpochStart]
    /// Bytes stored, for lists and metrics.
    public let byteCount: Int64

    public struct EpochStart: Sendable, Hashable {
        public let epoch: Int32
        public let firstOffset: Int64
        public init(epoch: Int32, firstOffset: Int64) {
            self.epoch = epoch
            self.firstOffset = firstOffset
        }
    }

    public init(start: Int64, end: Int64, epochs: [EpochStart], byteCount: Int64) {
        self.start = start
        self.end = end
        self.epochs = epochs
        self.byteCount = byteCount
    }

    /// One past the last offset of a leader epoch, `nil` when this log has no such epoch. Whoever kept an offset with its epoch
    /// elsewhere compares: an offset beyond this end belongs to records that this log has lost, or never had (KIP-320).
    public func endOffset(ofEpoch epoch: Int32) -> Int64? {
        guard let index = epochs.firstIndex(where: { $0.epoch == epoch }) else { return nil }
        return index + 1 < epochs.count ? epochs[index + 1].firstOffset : end
    }
}

/// Names who produces: one id, one live session. A source task's is `source/<connector>/<task>`, a sink task's `sink/<connector>/<task>`.
public struct ProducerID: Sendable, Hashable {
    public let name: Name
    /// Other ids that this session takes over and fences as well: tasks of an older, larger task set.
    public let alsoFences: [Name]
    public init(_ name: Name, alsoFences: [Name] = []) {
        self.name = name
        self.alsoFences = alsoFences
    }
}

/// One row beside the records, in the transaction of the records: dead letters already written, for instance.
public struct ProgressRow: Sendable, Hashable {
    public let key: [UInt8]
    /// `nil` removes the row.
    public let value: [UInt8]?
    public init(key: [UInt8], value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}
