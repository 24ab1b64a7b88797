/// How to open a consumer.
public struct ConsumerOptions: Sendable {
    /// `nil`: no group; every partition of the subscription is assigned, nothing can be committed.
    public var group: Name?
    /// Where to start a partition that has no committed offset.
    public var resetPolicy: ResetPolicy
    /// Names this member in descriptions: `<connector>-<task>`.
    public var clientID: String

    public enum ResetPolicy: String, Sendable, CaseIterable { case earliest, latest, none }

    public init(group: Name?, resetPolicy: ResetPolicy = .earliest, clientID: String = "") {
        self.group = group
        self.resetPolicy = resetPolicy
        self.clientID = clientID
    }
}

/// What to consume.
public enum Subscription: Sendable {
    case topics([Name])
    /// Topics whose whole name the predicate accepts; new ones join within five seconds.
    case matching(@Sendable (Name) -> Bool)
}

/// Reads topics: records of committed transactions only, per partition in offset order. One thread at a time calls it, except ``wakeUp()`` and ``close()``.
///
/// The committed offset of a group is only its starting point: whoever keeps its position with its data calls ``seek(_:to:)`` when a
/// partition was assigned.
public protocol LogConsumer: AnyObject {
    func subscribe(_ subscription: Subscription) throws(LogError)

    /// Waits for something to happen, at most so long, and returns it: first changes of the assignment, then records.
    ///
    /// Revoked partitions stay this consumer's until the next call, so their offsets can still be committed; lost ones do not.
    /// - Parameters:
    ///   - maximumBytes: most bytes of records to return; one batch larger than that comes alone.
    ///   - milliseconds: the longest wait; 0 only looks.
    func poll(maximumBytes: Int, milliseconds: Int) throws(LogError) -> [ConsumerEvent]

    /// Ends a ``poll(maximumBytes:milliseconds:)`` that waits, or makes the next one return at once. Any thread.
    func wakeUp()

    var assignment: [TopicPartition] { get }

    /// Keeps the partitions assigned but returns none of their records until ``resume(_:)``.
    func pause(_ partitions: [TopicPartition])
    func resume(_ partitions: [TopicPartition])

    /// The offset of the next record ``poll(maximumBytes:milliseconds:)`` returns of an assigned partition.
    func position(_ partition: TopicPartition) throws(LogError) -> Int64

    /// Moves the position of an assigned partition; `.offsetOutOfRange` outside start…end.
    func seek(_ partition: TopicPartition, to offset: Int64) throws(LogError)

    func committed(_ partition: TopicPartition) throws(LogError) -> CommittedOffset?

    /// Stores the group's offsets, durable when the call returns. Of partitions that are not assigned: `.fenced`.
    func commit(_ offsets: [TopicPartition: CommittedOffset]) throws(LogError)

    /// Leaves the group; every later call of the owner is refused. Any thread: whoever gives up on the owner's thread frees its partitions
    /// this way. A second call does nothing.
    func close()
}

public enum ConsumerEvent: Sendable {
    case assigned([TopicPartition])
    case revoked([TopicPartition])
    /// Already somebody else's: do not commit, do not write.
    case lost([TopicPartition])
    case records(ConsumedRecords)
}

/// A group's position in a partition.
public struct CommittedOffset: Sendable, Hashable {
    /// The next offset to read.
    public let offset: Int64
    /// Epoch of the record before it, −1 when unknown.
    public let leaderEpoch: Int32
    public let metadata: String
    public init(offset: Int64, leaderEpoch: Int32 = -1, metadata: String = "") {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }
}
