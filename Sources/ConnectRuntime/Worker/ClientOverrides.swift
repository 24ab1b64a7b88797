/// What `consumer.override.*`, `producer.override.*` and `admin.override.*` mean here: two of them are honoured, the others are for Kafka's clients.
enum ClientOverrides {
    static let group: Name = "consumer.override.group.id"
    static let reset: Name = "consumer.override.auto.offset.reset"
    static let prefixes = ["producer.override.", "consumer.override.", "admin.override."]

    /// Where a sink starts that has no position; `earliest` unless it says otherwise, as Connect's sinks do.
    static func resetPolicy(_ config: ConfigMap) -> ConsumerOptions.ResetPolicy {
        config.text(reset).flatMap { ConsumerOptions.ResetPolicy(rawValue: $0.trimmedASCII) } ?? .earliest
    }

    static func isOverride(_ name: Name) -> Bool { prefixes.contains { name.text.utf8.starts(with: $0.utf8) } }

    static func problems(_ map: ConfigMap, isSink: Bool) -> [ConfigProblem] {
        map.entries.compactMap { entry in
            guard isOverride(entry.name) else { return nil }
            if isSink, entry.name == group { return nil }
            if isSink, entry.name == reset {
                guard let text = entry.value, ConsumerOptions.ResetPolicy(rawValue: text.trimmedASCII) == nil else { return nil }
                return ConfigProblem(
                    "config.invalid_value", reset, "Invalid value \(text) for configuration \(reset): must be one of earliest, latest, none")
            }
            return ConfigProblem(
                "config.client_override", entry.name, "\"\(entry.name)\" is for Kafka's clients: the embedded log has no use for it", isWarning: true)
        }
    }
}
