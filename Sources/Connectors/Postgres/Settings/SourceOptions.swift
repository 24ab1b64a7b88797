internal import ConnectRuntime
internal import Postgres

/// Everything a task needs to know, read once from its configuration.
struct SourceOptions: Sendable {
    let connection: ConnectionParameters
    let connectionTimeout: Int
    let prefix: String
    let mode: PostgresSourceSettings.Mode
    let capture: PostgresSourceSettings.Capture
    let rows: RowOptions
    /// Topics and records as the JDBC source has them: `<prefix><table>`, flat rows, no key; table lists may hold bare names.
    let isJDBC: Bool
    let tables: TableSelection
    /// What table.include.list holds.
    let includePatterns: [String]
    /// Those of them that are plain names: each must exist. A dot is meant as one.
    let plainTables: [Name]
    let schemas: TableSelection
    let keyColumns: [KeyColumns]
    let arm: PostgresArming.Mode
    let arming: ArmingPlan.Options
    let lockTimeout: Int
    let isBackfilled: Bool
    let historyLost: PostgresSourceSettings.HistoryLost
    let timelineChange: PostgresSourceSettings.TimelineChange
    let replayWindow: Int
    let isEnvelope: Bool
    let hasTombstones: Bool
    let emitsTruncates: Bool
    let types: TypeOptions
    let pollInterval: Int
    let wake: Pace.Wake
    let batchRows: Int
    let batchBytes: Int
    let chunkTime: Int
    let fence: FlushFence.Force
    let idlePersist: Int
    let prunes: Bool
    let retention: Int
    let readerExpiry: Int
    /// The tables of this task where several share the work; `nil` for all that match.
    let share: Set<Name>?

    /// The setting by which a connector tells a task which tables are its own: a JSON array of `schema.table`.
    static let shareKey: Name = "connectd.task.tables"

    init(_ config: Config, isJDBC: Bool = false) throws {
        typealias Keys = PostgresSourceSettings
        self.isJDBC = isJDBC
        mode = try config.value(Keys.mode)
        capture = try config.value(Keys.capture)
        rows = try RowOptions(config)
        let parameters = try PostgresConnectionSettings.parameters(config)
        connection = mode.isTail ? parameters.seekingPrimary : parameters
        connectionTimeout = try config.value(PostgresConnectionSettings.timeout)
        prefix = try config.value(Keys.topicPrefix)
        do throws(SettingError) {
            tables = try TableSelection(include: SourceOptions.list(config, Keys.include), exclude: SourceOptions.list(config, Keys.exclude))
            schemas = try TableSelection(include: SourceOptions.list(config, Keys.schemaInclude), exclude: SourceOptions.list(config, Keys.schemaExclude))
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "table.include.list or table.exclude.list \(error.message)")
        }
        includePatterns = try config.value(Keys.include)
        plainTables = includePatterns.filter { !$0.utf8.contains { Array("\\^$|?*+()[]{}".utf8).contains($0) } }.map { Name($0) }
        keyColumns = try config.value(Keys.keyColumns)
        arm = try config.value(Keys.arm)
        wake = try config.value(Keys.wake)
        fence = try config.value(Keys.fenceForce)
        prunes = try config.value(Keys.prune)
        arming = ArmingPlan.Options(wakes: wake == .notifyIdle, always: try config.value(Keys.always), keepsReader: fence == .tailRow || prunes)
        lockTimeout = try config.value(Keys.lockTimeout)
        isBackfilled = try config.value(Keys.snapshotMode) == .initial
        historyLost = try config.value(Keys.historyLost)
        timelineChange = try config.value(Keys.timelineChange)
        replayWindow = try config.value(Keys.replayWindow)
        isEnvelope = try !isJDBC && config.value(Keys.shape) == .envelope
        hasTombstones = try config.value(Keys.tombstones)
        emitsTruncates = try !config.value(Keys.skipped).contains("t")
        types = TypeOptions(
            decimals: try config.value(Keys.decimals), specialDecimals: try config.value(Keys.specialDecimals), infinity: try config.value(Keys.infinity),
            time: try config.value(Keys.timePrecision), trimsCharacters: try config.value(Keys.trim), zonedAsTimestamp: isJDBC,
            numerics: try config.value(Keys.numericMapping))
        pollInterval = try config.value(Keys.pollInterval)
        batchRows = try config.value(Keys.batchRows)
        batchBytes = try config.value(Keys.batchBytes)
        chunkTime = try config.value(Keys.chunkTime)
        idlePersist = try config.value(Keys.idlePersist)
        retention = try config.value(Keys.retention)
        readerExpiry = try config.value(Keys.readerExpiry)
        share = try config.map.text(SourceOptions.shareKey).map { text in
            guard let names = (try? JSON.parse(text))?.elements else {
                throw ConnectError(.configuration, code: "config.invalid_value", "\(SourceOptions.shareKey) is no JSON array")
            }
            return Set(names.compactMap { $0.text.map { Name($0) } })
        }
    }

    private static func list(_ config: Config, _ setting: Setting<[String]>) throws(SettingError) -> [String] {
        do { return try config.value(setting) } catch { throw SettingError("cannot be read") }
    }

    /// Whether a table is to be captured.
    func selects(schema: String, table: String) throws -> Bool {
        do throws(SettingError) {
            if try !schemas.contains([schema]) { return false }
            return try tables.contains(spellings(schema: schema, table: table))
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "matching table \(schema).\(table): \(error.message)")
        }
    }

    /// The names a table may be meant by.
    func spellings(schema: String, table: String) -> [String] {
        var spellings = ["\(schema).\(table)"]
        if isJDBC {
            spellings.append(table)
            if let database = connection["dbname"] { spellings.append("\(database).\(schema).\(table)") }
        }
        return spellings
    }

    /// Whether a plain name in table.include.list means a table.
    func isMeant(_ name: Name, _ table: PostgresCatalog.Listed) throws -> Bool {
        let full = "\(table.schema).\(table.name)"
        if Name(full) == name { return true }
        guard isJDBC else { return false }
        return Name(table.name) == name || connection["dbname"].map { Name("\($0).\(full)") == name } ?? false
    }

    /// Letters of `pg_class.relkind` that may be captured.
    var kinds: Set<String> { mode.isTail ? RelationKind.tables : rows.kinds }

    /// Whether changes are captured by triggers of ours; otherwise the tables themselves are read.
    var readsChanges: Bool { mode == .snapshot && capture == .change }

    func topic(of table: PostgresTable) -> Name {
        TopicNaming.legal(isJDBC ? prefix + table.name : "\(prefix).\(table.schema).\(table.name)")
    }

    /// The record's key: what message.key.columns says, else the primary key.
    func key(of table: PostgresTable) throws -> [String] {
        do throws(SettingError) {
            for key in keyColumns where try key.tables.matches(table.display) {
                for column in key.columns where !table.columns.contains(where: { equalBytes($0.name, column) }) {
                    throw SettingError("names column \(column), which table \(table.display) does not have")
                }
                return key.columns
            }
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "message.key.columns \(error.message)")
        }
        return table.key
    }
}
