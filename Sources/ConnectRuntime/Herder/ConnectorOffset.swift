/// One entry of where a connector stands, in the form of Connect's answers: a source's own partition and offset, or for sinks
/// `{"kafka_topic", "kafka_partition"}` and `{"kafka_offset"}`.
public struct ConnectorOffset: Sendable, Hashable {
    /// A JSON object, or null.
    public let partition: JSON
    /// A JSON object; `nil` resets the partition.
    public let offset: JSON?
    public init(partition: JSON, offset: JSON?) {
        self.partition = partition
        self.offset = offset
    }
}

/// Offsets of sinks as people write them.
enum SinkOffsetEntry {
    static let topic: Name = "kafka_topic"
    static let partition: Name = "kafka_partition"
    static let offset: Name = "kafka_offset"

    static func entry(_ place: TopicPartition, _ committed: Int64) -> ConnectorOffset {
        ConnectorOffset(
            partition: .object([JSON.Member(topic.text, .string(place.topic.text)), JSON.Member(partition.text, .integer(Int64(place.partition)))]),
            offset: .object([JSON.Member(offset.text, .integer(committed))]))
    }

    /// - Throws: ``HerderError`` `.badRequest` that names what is missing or wrong.
    static func parse(_ entries: [ConnectorOffset]) throws(HerderError) -> [TopicPartition: Int64?] {
        var parsed: [TopicPartition: Int64?] = [:]
        for entry in entries {
            let place = try place(entry.partition)
            parsed[place] = .some(try entry.offset.map { json throws(HerderError) in try number(json, place) })
        }
        return parsed
    }

    private static func place(_ json: JSON) throws(HerderError) -> TopicPartition {
        if json == .null { throw HerderError(.badRequest, "The partition for a sink connector offset cannot be null or missing") }
        guard let written = json[topic], let number = json[partition] else {
            throw HerderError(.badRequest, "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'")
        }
        guard let name = written.text, !name.isEmpty else { throw HerderError(.badRequest, "Kafka topic names must be valid strings and may not be null") }
        guard let value = integer(number).flatMap({ Int32(exactly: $0) }), value >= 0 else {
            throw HerderError(.badRequest, "The partition \(number.serializedText) of topic \(name) is no partition number: 'kafka_partition' needs to be an integer, 0 or more")
        }
        return TopicPartition(Name(name), value)
    }

    private static func number(_ json: JSON, _ place: TopicPartition) throws(HerderError) -> Int64 {
        guard let written = json[offset] else {
            throw HerderError(.badRequest, "The offset for a sink connector should either be null or contain the key 'kafka_offset'")
        }
        guard let value = integer(written), value >= 0 else {
            throw HerderError(.badRequest, "The offset \(written.serializedText) for \(place) is no offset: 'kafka_offset' needs to be an integer, 0 or more")
        }
        return value
    }

    /// A number, or its text.
    private static func integer(_ json: JSON) -> Int64? { json.int64 ?? json.text.flatMap { Int64($0.trimmedASCII) } }
}
