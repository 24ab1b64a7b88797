internal import ConnectRuntime

/// The source's settings, read once.
struct SqliteSourcePlan {
    let path: String
    let selection: TableSelection
    let prefix: String
    let keyColumns: [Name: [Name]]
    let capture: SqliteSourceSettings.Capture
    let snapshot: SqliteSourceSettings.SnapshotMode
    let historyLost: SqliteSourceSettings.HistoryLost
    let guardPolicy: ReplaceGuard
    let pollMilliseconds: Int
    let batchRows: Int
    let batchBytes: Int
    let prune: Bool
    let records: RowRecords.Options
    let isJDBC: Bool

    init(_ config: Config, _ context: any SourceTaskContext, isJDBC: Bool = false) throws {
        self.isJDBC = isJDBC
        path = try config.value(SqliteSourceSettings.url)
        do throws(SettingError) {
            let include: [String], exclude: [String]
            do {
                include = try config.value(SqliteSourceSettings.include)
                exclude = try config.value(SqliteSourceSettings.exclude)
            } catch { throw SettingError("\(error)") }
            selection = try TableSelection(include: include, exclude: exclude)
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "table.include.list or table.exclude.list: \(error.message)")
        }
        prefix = try config.value(SqliteSourceSettings.topicPrefix)
        keyColumns = try config.value(SqliteSourceSettings.keyColumns)
        capture = try config.value(SqliteSourceSettings.capture)
        snapshot = try config.value(SqliteSourceSettings.snapshot)
        historyLost = try config.value(SqliteSourceSettings.historyLost)
        guardPolicy = try config.value(SqliteSourceSettings.replaceGuard)
        pollMilliseconds = try config.value(SqliteSourceSettings.pollInterval)
        batchRows = try config.value(SqliteSourceSettings.batchRows)
        batchBytes = try config.value(SqliteSourceSettings.batchBytes)
        prune = try config.value(SqliteSourceSettings.prune)
        let file = path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? path
        records = RowRecords.Options(
            prefix: prefix, database: file, envelope: try config.value(SqliteSourceSettings.shape) == .envelope,
            tombstones: try config.value(SqliteSourceSettings.tombstones), conflict: try config.value(SqliteSourceSettings.typeConflict),
            logger: context.logger, hasNoKey: isJDBC)
    }

    func topic(of table: Name) -> Name { TopicNaming.legal(isJDBC ? prefix + table.text : prefix + "." + table.text) }

    func captures(_ table: Name) throws -> Bool {
        do throws(SettingError) {
            return try selection.contains([table.text, "main." + table.text])
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "table.include.list or table.exclude.list: \(error.message)")
        }
    }
}
