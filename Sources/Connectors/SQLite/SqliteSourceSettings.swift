internal import ConnectRuntime

/// The settings of the SQLite source.
enum SqliteSourceSettings {
    enum Capture: String, Sendable, CaseIterable { case change, events }
    enum ValueShape: String, Sendable, CaseIterable { case envelope, flat }
    enum SnapshotMode: String, Sendable, CaseIterable {
        case initial
        case noData = "no_data"
    }
    enum HistoryLost: String, Sendable, CaseIterable { case fail, earliest, latest }

    static let url = Setting<String>(
        "connection.url", .string, importance: .high, width: .long, displayName: "Database file",
        "The SQLite file to capture: `sqlite:PATH` or `jdbc:sqlite:PATH`. It must exist; it is never created."
    ) { (text: String) throws(SettingError) -> String in try SqliteLocation.path(of: text) }

    static let topicPrefix = Setting<String>(
        "topic.prefix", .string, importance: .high, displayName: "Topic prefix",
        "What the topics' names begin with: a table's changes go to `<topic.prefix>.<table>`. Characters a topic cannot have become `_`."
    ) { (text: String) throws(SettingError) -> String in
        if text.isEmpty { throw SettingError("must not be empty") }
        if text.utf8.contains(where: { !TopicNaming.isLegal($0) }) { throw SettingError("may hold letters, digits, '.', '_' and '-' only") }
        return text
    }

    static let include = list("table.include.list", "Tables to capture: names or regular expressions, separated by commas, each matched against the whole name. Empty captures every table.")
    static let exclude = list("table.exclude.list", "Tables to leave out, as `table.include.list`. Both may be given; exclusion wins.")

    static let keyColumns = Setting<[Name: [Name]]>(
        "message.key.columns", .string, default: "", importance: .medium, width: .long, displayName: "Key columns",
        "Keys for tables that have no primary key, or another one than you want: `table:column,column;table:column`."
    ) { (text: String) throws(SettingError) -> [Name: [Name]] in
        var keys: [Name: [Name]] = [:]
        for item in text.split(separator: ";") {
            guard let colon = item.lastIndex(of: ":") else { throw SettingError("must look like table:column,column;table:column") }
            let columns = splitList(String(item[item.index(after: colon)...])).map { Name($0) }
            if columns.isEmpty { throw SettingError("names no column for table \(item[..<colon])") }
            keys[Name(String(item[..<colon]).trimmedASCII)] = columns
        }
        return keys
    }

    static let capture = Setting<Capture>.choice(
        "capture", default: .change, importance: .high, displayName: "Capture mode",
        "`change` arms triggers that write each change of a table into a table `connectd_<table>` and tails that; `events` tails existing tables whose key is INTEGER PRIMARY KEY AUTOINCREMENT and whose rows are only ever added, and writes nothing into the file.")
    static let snapshot = Setting<SnapshotMode>.choice(
        "snapshot.mode", default: .initial, importance: .medium, displayName: "Rows that are there",
        "`initial` first delivers the rows a table holds (`op` = `r`), exactly joined with the changes; `no_data` delivers only changes from now on.")
    static let shape = Setting<ValueShape>.choice(
        "value.shape", default: .envelope, importance: .medium, displayName: "Value shape",
        "`envelope`: before, after, source, op, ts_ms, as Debezium. `flat`: the row after the change, and a tombstone for a deletion.")
    static let tombstones = Setting<Bool>.boolean(
        "tombstones.on.delete", default: true, importance: .medium, displayName: "Tombstones",
        "Whether a deletion is followed by a record with the same key and no value, so that compaction can forget the key.")
    static let pollInterval = Setting<Int>.int(
        "poll.interval.ms", default: 250, range: 1...600_000, importance: .medium, displayName: "Longest sleep (ms)",
        "The longest time between two looks at the file. Changes are noticed at once where the system reports writes.")
    static let batchRows = Setting<Int>.int(
        "batch.max.rows", default: 2000, range: 1...1_000_000, importance: .low, displayName: "Rows per batch", "Most rows read in one batch.")
    static let batchBytes = Setting<Int>.int(
        "batch.max.bytes", default: 4 << 20, range: 1024...(512 << 20), importance: .low, displayName: "Bytes per batch",
        "A batch ends after the row with which it exceeds about so many bytes.")
    static let typeConflict = Setting<TypeConflictPolicy>.choice(
        "type.conflict", default: .fail, importance: .medium, displayName: "Values of another type",
        "What to do with a value its column's declared type does not foresee: `fail` names it and stops; `string` makes all columns but the key's travel as tagged text, which holds every value; `null` delivers null and logs.")
    static let replaceGuard = Setting<ReplaceGuard>.choice(
        "replace.guard", default: .refuse, importance: .medium, displayName: "OR REPLACE guard",
        "SQLite fires no delete trigger for a row that INSERT OR REPLACE or UPDATE OR REPLACE removes through a unique index other than the key. `refuse` does not capture such tables; `shadow` looks before each insert for rows with the same unique values and records those that are gone after it (a table `connectd_<table>_replaced` keeps them meanwhile); `accept` takes it that no writer does this.")
    static let historyLost = Setting<HistoryLost>.choice(
        "on.history.lost", default: .fail, importance: .medium, displayName: "When the file was put back",
        "What to do when the file is another one than the stored offset belongs to, or has lost changes: `fail`; `earliest` delivers all rows again; `latest` goes on with new changes only.")
    static let prune = Setting<Bool>.boolean(
        "prune", default: false, importance: .low, displayName: "Prune change tables",
        "Whether change rows are deleted once they are durable in the log. Leave it off where another connector reads the same change tables.")

    static let definition = ConfigDefinition()
        .group("Database", url, include, exclude, keyColumns)
        .group("Capture", capture, snapshot, replaceGuard, historyLost, prune)
        .group("Records", topicPrefix, shape, tombstones, typeConflict)
        .group("Reading", pollInterval, batchRows, batchBytes)

    private static func list(_ name: Name, _ documentation: String) -> Setting<[String]> {
        Setting(name, .list, default: "", importance: .high, width: .long, documentation) { (text: String) throws(SettingError) -> [String] in
            let items = splitList(text)
            for item in items { _ = try RegularExpression(item) }
            return items
        }
    }
}
