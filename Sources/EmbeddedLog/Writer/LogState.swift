internal import ConnectRuntime
internal import Synchronization

/// What the log knows in memory: loaded at opening, changed by the writer once a commit is durable, read by anybody.
final class LogState: Sendable {
    struct Content {
        var topics: [Name: TopicLogEntry] = [:]
        var producers: [Name: Int64] = [:]
        /// Committed offsets by group and partition serial.
        var groups: [Name: [Int64: CommittedOffset]] = [:]
        /// Serial ranges of deleted topics whose batches are still there.
        var garbage: [Int64: Int64] = [:]
    }
    private let content: Mutex<Content>
    let logID: [UInt8]
    private let wait = Mutex<LogError?>(nil)

    init(_ content: Content, logID: [UInt8]) {
        self.content = Mutex(content)
        self.logID = logID
    }

    /// What the writer waits for before it goes on, if it does.
    var waitsFor: LogError? {
        get { wait.withLock { $0 } }
        set { wait.withLock { $0 = newValue } }
    }

    func topic(_ name: Name) -> TopicLogEntry? { content.withLock { $0.topics[name] } }
    var topics: [TopicLogEntry] { content.withLock { Array($0.topics.values) } }
    func producerEpoch(_ name: Name) -> Int64? { content.withLock { $0.producers[name] } }
    var producers: [Name: Int64] { content.withLock { $0.producers } }
    func group(_ name: Name) -> [Int64: CommittedOffset] { content.withLock { $0.groups[name] ?? [:] } }
    var groups: [Name: [Int64: CommittedOffset]] { content.withLock { $0.groups } }
    var garbage: [Int64: Int64] { content.withLock { $0.garbage } }
    func update(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }

    func partition(_ place: TopicPartition) throws(LogError) -> PartitionLog {
        guard let topic = topic(place.topic) else {
            throw LogError(.unknownTopic, "there is no topic \(place.topic)", suggestion: "create it first, or look at the list of topics")
        }
        guard place.partition >= 0, Int(place.partition) < topic.partitions.count else {
            throw LogError(.unknownTopic, "topic \(place.topic) has \(topic.partitions.count) partitions; there is no partition \(place.partition)")
        }
        return topic.partitions[Int(place.partition)]
    }
}
