internal import ConnectRuntime

/// What all database sinks are told: how rows are written, whose key they have, which tables they go to, where to go on.
struct SinkPlan {
    let insertMode: SinkSettings.InsertMode
    let keyMode: SinkSettings.KeyMode
    let keyFields: [Name]
    let deletes: Bool
    let truncates: Bool
    let creates: Bool
    let evolves: Bool
    let table: SinkTableName
    /// Whether records without a source block go by their topic's name.
    let fallsBackToTopic: Bool
    /// Fields of the row that are written beside the key; empty for all.
    let fields: Set<Name>
    let recreated: SinkResume.RecreatedTopicPolicy
    let gap: SinkResume.GapPolicy
    /// How long one attempt waits for a lock.
    let lockMilliseconds: Int

    /// - Parameter table: the target's own declaration of `table.name.format`.
    init(_ config: Config, table setting: Setting<SinkTableName?>) throws {
        insertMode = try config.value(SinkSettings.insertMode)
        keyMode = try config.value(SinkSettings.keyMode)
        let names = try config.value(SinkSettings.keyFields).map { Name($0) }
        keyFields = names.isEmpty && keyMode == .kafka ? ["__connect_topic", "__connect_partition", "__connect_offset"] : names
        deletes = try config.value(SinkSettings.delete)
        truncates = try config.value(SinkSettings.truncate)
        creates = try config.value(SinkSettings.create)
        evolves = try config.value(SinkSettings.evolve)
        guard let name = try config.value(setting) else {
            throw ConnectError(.configuration, code: "config.missing", "table.name.format is missing")
        }
        table = name
        fallsBackToTopic = equalBytes(name.written, "${source.table}")
        fields = Set(try config.value(SinkSettings.fields).map { Name($0) })
        recreated = try config.value(SinkSettings.recreated)
        gap = try config.value(SinkSettings.gap)
        lockMilliseconds = try config.value(SinkSettings.lockTimeout)
    }

    /// What does not go together.
    func problems(_ config: Config) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        if keyMode == .none, insertMode != .insert {
            problems.append(
                ConfigProblem(
                    "config.conflict", "pk.mode", "insert.mode=\(insertMode.rawValue) needs a key, but pk.mode is none",
                    suggestion: "set pk.mode=record_key or record_value, or insert.mode=insert"))
        }
        if keyMode == .kafka, keyFields.count != 3 {
            problems.append(ConfigProblem("config.conflict", "pk.fields", "pk.mode=kafka takes three names: for topic, partition and offset"))
        }
        if deletes, keyMode == .none || keyMode == .kafka {
            let isWritten = config.map.text("delete.enabled") != nil
            problems.append(
                ConfigProblem(
                    "config.conflict", "delete.enabled", "deletions need a key from the record, but pk.mode is \(keyMode.rawValue)",
                    suggestion: "set delete.enabled=false, or pk.mode=record_key", isWarning: !isWritten))
        }
        return problems
    }
}
