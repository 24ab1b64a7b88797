public import ConnectRuntime

/// How a topic is shown, in lists and by itself.
public enum TopicJSON {
    /// Every topic with its size.
    public static func list(_ log: any TopicLog) throws(LogError) -> JSON {
        var elements: [JSON] = []
        for topic in try log.topics() { elements.append(try describe(topic, log)) }
        return .array(elements)
    }

    /// One topic; `.unknownTopic` that names near ones when there is none.
    public static func describe(_ name: Name, _ log: any TopicLog) throws(LogError) -> JSON {
        try describe(try find(name, log), log)
    }

    public static func find(_ name: Name, _ log: any TopicLog) throws(LogError) -> TopicDescription {
        if let topic = try log.topic(name) { return topic }
        let names = try log.topics().map(\.name)
        let nearest = Nearest.name(to: name, among: names)
        throw LogError(
            .unknownTopic, "There is no topic \"\(name)\"",
            suggestion: nearest.map { "Did you mean \"\($0)\"?" }
                ?? (names.isEmpty ? "There are no topics yet" : "Topics: " + names.prefix(10).map(\.text).joined(separator: ", ")))
    }

    private static func describe(_ topic: TopicDescription, _ log: any TopicLog) throws(LogError) -> JSON {
        var partitions: [JSON] = []
        var records: Int64 = 0
        var bytes: Int64 = 0
        for number in 0..<topic.partitions {
            let bounds = try log.bounds(of: TopicPartition(topic.name, number))
            records += max(0, bounds.end - bounds.start)
            bytes += bounds.byteCount
            partitions.append(
                .object([
                    JSON.Member("partition", .integer(Int64(number))), JSON.Member("start", .integer(bounds.start)),
                    JSON.Member("end", .integer(bounds.end)), JSON.Member("bytes", .integer(bounds.byteCount)),
                ]))
        }
        let settings = topic.configuration
        return .object([
            JSON.Member("name", .string(topic.name.text)), JSON.Member("id", .string(topic.id.description)),
            JSON.Member("records", .integer(records)), JSON.Member("bytes", .integer(bytes)),
            JSON.Member(
                "config",
                .object([
                    JSON.Member("cleanup.policy", .string(settings.isCompacted ? "compact" : "delete")),
                    JSON.Member("retention.ms", .integer(settings.retentionMilliseconds ?? -1)),
                    JSON.Member("retention.bytes", .integer(settings.retentionBytes ?? -1)),
                ])),
            JSON.Member("partitions", .array(partitions)),
        ])
    }
}
