/// How topics are made that a source writes first (`topic.creation.*`): a pure decision.
///
/// Groups are tried in their declared order; the first that includes the topic and does not exclude it decides, else `default`.
struct TopicCreation: Sendable {
    private struct Group: Sendable {
        let include: [TopicPattern]
        let exclude: [TopicPattern]
        let partitions: Int32?
        let configuration: TopicConfiguration
    }
    private let groups: [Group]
    private let fallback: Group?
    private let workerPartitions: Int32

    /// - Throws: ``ConnectError`` of kind `.configuration` that names the key.
    init(_ map: ConfigMap, settings: WorkerSettings) throws {
        workerPartitions = Int32(clamping: settings.topicPartitions)
        let all = map.subset(prefix: "topic.creation.")
        guard settings.topicCreation, !all.entries.isEmpty else {
            groups = []
            fallback = nil
            return
        }
        groups = try splitList(all.text("groups") ?? "").filter { $0 != "default" }.map { try Self.group($0, all) }
        fallback = try Self.group("default", all)
    }

    func specification(for topic: Name) -> TopicSpecification {
        let group = groups.first { group in
            group.include.contains { $0.matches(topic) } && !group.exclude.contains { $0.matches(topic) }
        }
        let partitions = group?.partitions ?? fallback?.partitions ?? workerPartitions
        return TopicSpecification(topic, partitions: partitions, configuration: (group ?? fallback)?.configuration ?? TopicConfiguration())
    }

    private static func group(_ name: String, _ map: ConfigMap) throws -> Group {
        let own = map.subset(prefix: name + ".")
        func number(_ key: Name) throws -> Int64? {
            guard let text = own.text(key) else { return nil }
            guard let value = Int64(text.trimmedASCII) else {
                throw ConnectError(
                    .configuration, code: "config.invalid_value", "Invalid value \(text) for configuration topic.creation.\(name).\(key): Not a number of type LONG")
            }
            return value < 0 ? nil : value
        }
        let partitions = try number("partitions")
        if partitions == 0 {
            throw ConnectError(
                .configuration, code: "config.invalid_value", "Invalid value 0 for configuration topic.creation.\(name).partitions: Value must be at least 1, or -1 for the log's default")
        }
        return Group(
            include: try splitList(own.text("include") ?? "").map { try TopicPattern($0) },
            exclude: try splitList(own.text("exclude") ?? "").map { try TopicPattern($0) },
            partitions: partitions.map { Int32(clamping: $0) },
            configuration: TopicConfiguration(
                retentionMilliseconds: try number("retention.ms"), retentionBytes: try number("retention.bytes"),
                isCompacted: own.text("cleanup.policy")?.contains("compact") ?? false))
    }
}
