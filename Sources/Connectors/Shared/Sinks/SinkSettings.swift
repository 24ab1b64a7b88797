internal import ConnectRuntime

/// The settings that all database sinks share.
enum SinkSettings {
    enum InsertMode: String, Sendable, CaseIterable { case insert, upsert, update }
    enum KeyMode: String, Sendable, CaseIterable {
        case none, kafka
        case recordKey = "record_key"
        case recordValue = "record_value"
    }

    static let insertMode = Setting<InsertMode>.choice(
        "insert.mode", default: .upsert, ignoringCase: true, importance: .high, displayName: "Insert mode",
        "`upsert` writes a row or replaces the one with its key; `insert` only adds rows; `update` only changes rows that are there.")
    static let keyMode = Setting<KeyMode>.choice(
        "pk.mode", default: .recordKey, ignoringCase: true, importance: .high, displayName: "Key mode",
        "Where a row's key comes from: `record_key`, `record_value` (fields of the row, see `pk.fields`), `kafka` (topic, partition and offset), or `none`.")
    static let keyFields = Setting<[String]>.list(
        "pk.fields", displayName: "Key fields",
        "Names of the key's columns. With `record_key`: fields of the key, all when empty, or the column's name for a key that is no struct; with `record_value`: fields of the value, all when empty; with `kafka`: three names, by default __connect_topic, __connect_partition, __connect_offset.")
    static let fields = Setting<[String]>.list(
        "fields.whitelist", importance: .low, displayName: "Fields", "Names of the row's fields that are written, beside the key's; all when empty.")
    static let delete = Setting<Bool>.boolean(
        "delete.enabled", default: true, importance: .medium, displayName: "Deletes",
        "Whether a deletion (`op` = `d`, or a tombstone) deletes its row. Otherwise deletions are passed over and counted as filtered.")
    static let truncate = Setting<Bool>.boolean(
        "truncate.enabled", default: false, importance: .low, displayName: "Truncates", "Whether a truncation (`op` = `t`) empties the table. Otherwise it is passed over and counted as filtered.")
    static let create = Setting<Bool>.boolean(
        "auto.create", default: true, importance: .medium, displayName: "Create tables", "Whether a missing table is made from the first record's schema.")
    static let evolve = Setting<Bool>.boolean(
        "auto.evolve", default: true, importance: .medium, displayName: "Add columns", "Whether columns that a record has and the table lacks are added. Nothing is ever dropped or narrowed.")
    static let recreated = Setting<SinkResume.RecreatedTopicPolicy>.choice(
        "on.topic.recreated", default: .fail, importance: .low, displayName: "Topic made anew",
        "What to do when a topic was deleted and made again: `fail`, or `reset` to read the new one from its start.")
    static let gap = Setting<SinkResume.GapPolicy>.choice(
        "on.gap", default: .fail, importance: .low, displayName: "Records lost to retention",
        "What to do when retention has deleted records before they were written here: `fail`, or `skip` to go on without them.")
    static let lockTimeout = Setting<Int>.int(
        "lock.timeout.ms", default: 10_000, range: 0...600_000, importance: .low, displayName: "Lock timeout (ms)",
        "How long one attempt waits while somebody else holds the lock of what is written. Then the batch is offered again, without end.")

    /// - Parameter takesSchema: checks a schema that is written in front of the table.
    static func table(_ more: String, takesSchema: @escaping @Sendable ([SinkTableName.Part]) throws(SettingError) -> Void) -> Setting<SinkTableName?> {
        Setting<SinkTableName?>(
            "table.name.format", .string, default: "${source.table}", importance: .medium, width: .long, displayName: "Table name",
            "The table a record goes to, with `${topic}`, `${source.table}`, `${source.schema}`, `${source.db}`. Records without a source block go by `${topic}` where this is left at its default. Dots in substituted text separate nothing.\(more)"
        ) { (text: String) throws(SettingError) -> SinkTableName? in
            let name = try SinkTableName(text)
            if name.segments.count > 1 { try takesSchema(name.segments[0]) }
            return name
        }
    }
}
