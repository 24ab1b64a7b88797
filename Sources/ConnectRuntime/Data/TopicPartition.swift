/// One partition of a topic.
public struct TopicPartition: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let topic: Name
    public let partition: Int32

    public init(_ topic: Name, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }

    public var description: String { "\(topic)/\(partition)" }
}

/// The identity of a topic, 16 bytes: a topic that was deleted and made again under the same name has another one.
public struct TopicID: Sendable, Hashable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Parameter bytes: exactly 16; anything else is refused with `nil`.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    private init(sixteen bytes: [UInt8]) { self.bytes = bytes }

    public static func random() -> TopicID {
        var generator = SystemRandomNumberGenerator()
        return TopicID(sixteen: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// URL-safe Base64 without padding, as Kafka prints its ids.
    public var description: String { Base64.urlSafe(bytes) }
}
