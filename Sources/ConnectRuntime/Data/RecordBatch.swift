/// Records that travel together, edited in place: connector → transforms → converter → log, and back.
///
/// Each entry keeps its record, its origin and its outcome in one place, so they cannot drift apart. Entries are never removed
/// on the way: a filtered or failed record stays with its outcome, since its origin still moves the offset (P1).
public struct RecordBatch: Sendable {
    public var entries: [Entry]

    public init(_ entries: [Entry] = []) { self.entries = entries }

    public struct Entry: Sendable {
        public var record: Record
        /// Where it came from: transforms can neither see nor change it.
        public let origin: Origin
        public package(set) var outcome: Outcome
        /// Whether the record's value was not read (it is null here), because its bytes are its plain JSON: only for a ``PlainJSONSink`` that wants it so.
        package var isPlainJSON = false

        public init(record: consuming Record, origin: consuming Origin) {
            self.record = record
            self.origin = origin
            outcome = .live
        }
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// Appends a record of a source.
    /// - Parameter offset: where the source stands after this record, or `nil` when this is no place to start again from:
    ///   the next record of the same partition that has one covers it. A source that must keep two records together gives
    ///   the offset to the second only.
    public mutating func append(_ record: consuming Record, partition: SourcePartition, offset: SourceOffset?) {
        entries.append(Entry(record: record, origin: .source(SourceOrigin(partition: partition, offset: offset))))
    }
}

/// Where a record came from.
public enum Origin: Sendable {
    case source(SourceOrigin)
    case log(LogOrigin)
}

/// A record's place in its source.
public struct SourceOrigin: Sendable {
    public let partition: SourcePartition
    public let offset: SourceOffset?
    @inlinable public init(partition: SourcePartition, offset: SourceOffset?) {
        self.partition = partition
        self.offset = offset
    }
}

/// A record's place in a topic, with its bytes as they were consumed (for a dead letter).
public struct LogOrigin: Sendable {
    /// The consumed records it is one of.
    public let source: ConsumedRecords
    /// Its index in `source.records`.
    public let index: Int

    public init(source: ConsumedRecords, index: Int) {
        self.source = source
        self.index = index
    }

    public var topicPartition: TopicPartition { source.topicPartition }
    public var offset: Int64 { source.records.items[index].offset }
    public var timestamp: Int64 { source.records.items[index].timestamp }
    public var leaderEpoch: Int32 { source.leaderEpoch }
    /// Of key and value together.
    package var byteCount: Int { source.records.items[index].byteCount }
    public var rawKey: ByteSlice? { source.records.key(at: index) }
    public var rawValue: ByteSlice? { source.records.value(at: index) }
    public var rawHeaders: [RawHeader] { source.records.headers(at: index) }
}

/// What has become of a record so far.
public enum Outcome: Sendable {
    /// Goes on to the next step.
    case live
    /// Dropped by a transform that says so; it counts as delivered.
    case filtered
    /// A step failed for it; later steps pass over it. The error policy has already decided that the task goes on.
    case failed(RecordFailure)

    public var isLive: Bool {
        if case .live = self { return true }
        return false
    }
}

/// Why a record failed, where, and in whose hands.
public final class RecordFailure: Sendable {
    public let stage: Stage
    /// The class of the plugin that failed, as the configuration names it.
    public let pluginClass: String
    public let error: ConnectError

    public init(stage: Stage, pluginClass: String, error: ConnectError) {
        self.stage = stage
        self.pluginClass = pluginClass
        self.error = error
    }
}

/// Connect's names for the steps of a record, as they stand in logs and dead letters.
public enum Stage: String, Sendable {
    case taskPoll = "TASK_POLL"
    case transformation = "TRANSFORMATION"
    case keyConverter = "KEY_CONVERTER"
    case valueConverter = "VALUE_CONVERTER"
    case headerConverter = "HEADER_CONVERTER"
    case taskPut = "TASK_PUT"
    case kafkaProduce = "KAFKA_PRODUCE"
    case kafkaConsume = "KAFKA_CONSUME"
}
