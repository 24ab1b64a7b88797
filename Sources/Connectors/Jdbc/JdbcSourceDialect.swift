internal import ConnectRuntime

/// Confluent's JDBC source (and Aiven's): its settings, its defaults, and how they read as ours.
struct JdbcSourceDialect: Sendable {
    let definition: ConfigDefinition
    private let defaults: KeyValuePairs<Name, String>

    static let confluent = JdbcSourceDialect(["poll.interval.ms": "5000", "batch.max.rows": "1000", "time.precision.mode": "connect"])
    static let aiven = JdbcSourceDialect(["poll.interval.ms": "5000", "batch.max.rows": "100", "time.precision.mode": "connect"])

    static let url = Setting<String>(
        "connection.url", .string, importance: .high, width: .long, displayName: "Connection URL",
        "`jdbc:postgresql://host:5432/database` or `jdbc:sqlite:PATH`, also without `jdbc:`. Other databases are refused."
    ) { (text: String) throws(SettingError) -> String in
        switch JdbcSinkDialect.target(of: text) {
        case .postgres: try PostgresConnectionSettings.check(url: text)
        case .sqlite: _ = try SqliteLocation.path(of: text)
        case nil: throw SettingError("names a database that connectd does not read: only jdbc:postgresql: and jdbc:sqlite: are")
        }
        return text
    }
    static let mode = Setting<PostgresSourceSettings.Mode>.choice(
        "mode", importance: .high, displayName: "Mode",
        "How rows that were not delivered yet are found. The JDBC source's `incrementing`, `timestamp`, `timestamp+incrementing` and `bulk` can lose rows or repeat them; `fence` (rows only ever added) and `snapshot` (every change) lose nothing. SQLite: `incrementing`, which loses nothing there, since a file has one writer at a time.")
    static let whitelist = Setting<[String]>.list(
        "table.whitelist", importance: .medium, displayName: "Tables", "Names of the tables to read: `table`, `schema.table` or `database.schema.table`. Empty reads every table.")
    static let blacklist = Setting<[String]>.list("table.blacklist", importance: .medium, displayName: "Tables left out", "Names of tables that are not read. Exclusion wins.")
    static let include = regularList("table.include.list", "Regular expressions, each matched against the whole `schema.table`; may be combined with `table.whitelist`.")
    static let exclude = regularList("table.exclude.list", "Regular expressions of tables that are not read. Exclusion wins.")
    static let schemaPattern = Setting<String?>.optionalString(
        "schema.pattern", importance: .medium, displayName: "Schema pattern", "The schemas to read tables of, as a pattern of SQL's LIKE. PostgreSQL only.")
    static let topicPrefix = Setting<String>(
        "topic.prefix", .string, importance: .high, displayName: "Topic prefix",
        "What the topics' names begin with: a table's rows go to `<topic.prefix><table>`, without anything in between."
    ) { (text: String) throws(SettingError) -> String in
        if text.isEmpty { throw SettingError("must not be empty") }
        if text.utf8.contains(where: { !TopicNaming.isLegal($0) }) { throw SettingError("may hold letters, digits, '.', '_' and '-' only") }
        return text
    }

    private static func regularList(_ name: Name, _ documentation: String) -> Setting<[String]> {
        Setting(name, .list, default: "", importance: .medium, width: .long, documentation) { (text: String) throws(SettingError) -> [String] in
            let items = splitList(text)
            for item in items { _ = try RegularExpression(item) }
            return items
        }
    }

    private static let refusals: [JdbcSinkDialect.Refusal] = [
        .init(name: "query", fine: [""], why: "a query has no table whose rows could be told apart; make it a view and name that, with table.types=VIEW"),
        .init(name: "query.masked", fine: [""], why: "a query has no table whose rows could be told apart; make it a view and name that, with table.types=VIEW"),
        .init(name: "query.suffix", fine: [""], why: "statements are ours"),
        .init(name: "incrementing.column.mapping", fine: [""], why: "one connector has one incrementing.column.name, and finds the column with a sequence by itself"),
        .init(name: "timestamp.columns.mapping", fine: [""], why: "one connector has one list timestamp.column.name"),
        .init(name: "timestamp.granularity", fine: ["", "connect_logical"], why: "time.precision.mode=adaptive keeps microseconds"),
        .init(name: "db.timezone", fine: ["utc", "gmt", "z", "etc/utc"], why: "times without a zone are delivered as they are, as if in UTC"),
        .init(name: "jdbc.credentials.provider.class", fine: ["", "io.confluent.connect.jdbc.util.defaultjdbccredentialsprovider"], why: "secrets come by ${env:…} and ${file:…}"),
        .init(name: "quote.sql.identifiers", fine: ["always"], why: "names are always quoted"),
        .init(name: "sql.quote.identifiers", fine: ["true"], why: "names are always quoted"),
        .init(name: "dialect.name", fine: ["", "postgresqldatabasedialect", "sqlitedatabasedialect"], why: "connection.url says which database it is"),
        .init(name: "numeric.precision.mapping", fine: ["", "false"], why: "numeric.mapping=precision_only says it"),
    ]
    private static let meaningless: [Name] = [
        "connection.attempts", "connection.backoff.ms", "catalog.pattern", "table.poll.interval.ms", "table.names.qualify", "table.monitoring.startup.polling.limit.ms", "query.retry.attempts",
        "transaction.isolation.mode", "max.buffer.size", "poll.linger.ms", "date.calendar.system", "sql.complex.types.enable", "trim.sensitive.log",
    ]

    private init(_ defaults: KeyValuePairs<Name, String>) {
        self.defaults = defaults
        definition = ConfigDefinition()
            .group("Database", JdbcSourceDialect.url)
            .merging(
                PostgresSourceSettings.definition.without([
                    PostgresConnectionSettings.url.name, PostgresSourceSettings.mode.name, PostgresSourceSettings.include.name, PostgresSourceSettings.exclude.name,
                    PostgresSourceSettings.topicPrefix.name, PostgresSourceSettings.shape.name, PostgresSourceSettings.tombstones.name, PostgresSourceSettings.skipped.name,
                ]))
            .group("Mode", JdbcSourceDialect.mode)
            .group("Tables", JdbcSourceDialect.whitelist, JdbcSourceDialect.blacklist, JdbcSourceDialect.include, JdbcSourceDialect.exclude, JdbcSourceDialect.schemaPattern)
            .group("Records", JdbcSourceDialect.topicPrefix)
            .merging(JdbcSinkDialect.limited(JdbcSourceDialect.refusals)).merging(JdbcSinkDialect.ineffective(JdbcSourceDialect.meaningless))
            .defaulting(defaults)
    }

    func target(_ config: Config) throws -> JdbcSinkDialect.Target {
        guard let target = JdbcSinkDialect.target(of: try config.value(JdbcSourceDialect.url)) else {
            throw ConnectError(.configuration, code: "config.invalid_value", "connection.url names a database that connectd does not read")
        }
        return target
    }

    /// Its configuration as PostgresSource's.
    func postgres(_ config: Config) throws -> SourceOptions {
        var map = try common(config)
        if let pattern = try config.value(JdbcSourceDialect.schemaPattern), !pattern.isEmpty {
            let listed = map.text("schema.include.list") ?? map.text("schema.whitelist")
            map["schema.include.list"] = .some((listed.map { $0 + "," } ?? "") + JdbcSourceDialect.like(pattern))
        }
        return try SourceOptions(try PostgresSourceSettings.definition.defaulting(defaults).parsed(map), isJDBC: true)
    }

    /// Its configuration as SqliteSource's.
    func sqlite(_ config: Config) throws -> Config {
        let mode = try config.value(JdbcSourceDialect.mode)
        guard mode == .incrementing || mode == .fence else {
            throw ConnectError(
                .configuration, code: "config.unsupported", "mode=\(mode.rawValue) is not there for SQLite under this class",
                suggestion: "set mode=incrementing for tables whose rows are only ever added, or use the class SqliteSource, which delivers every change")
        }
        var map = try common(config)
        map["mode"] = nil
        map["capture"] = .some("events")
        map["value.shape"] = .some("flat")
        return try SqliteSourceSettings.definition.defaulting(defaults).parsed(map)
    }

    private func common(_ config: Config) throws -> ConfigMap {
        var map = config.map
        let included = try config.value(JdbcSourceDialect.include) + config.value(JdbcSourceDialect.whitelist).map(JdbcSourceDialect.literal)
        let excluded = try config.value(JdbcSourceDialect.exclude) + config.value(JdbcSourceDialect.blacklist).map(JdbcSourceDialect.literal)
        map["table.whitelist"] = nil
        map["table.blacklist"] = nil
        map["table.include.list"] = .some(included.joined(separator: ","))
        map["table.exclude.list"] = .some(excluded.joined(separator: ","))
        return map
    }

    /// A name as the regular expression that matches only it. A dot stays, for a name with one is meant as a name.
    static func literal(_ name: String) -> String {
        var out: [UInt8] = []
        for byte in name.utf8 {
            if "\\^$|?*+()[]{}".utf8.contains(byte) { out.append(UInt8(ascii: "\\")) }
            out.append(byte)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A pattern of LIKE as a regular expression.
    static func like(_ pattern: String) -> String {
        var out: [UInt8] = []
        for byte in pattern.utf8 {
            switch byte {
            case UInt8(ascii: "%"): out += Array(".*".utf8)
            case UInt8(ascii: "_"): out.append(UInt8(ascii: "."))
            default:
                if "\\^$|?*+()[]{}.".utf8.contains(byte) { out.append(UInt8(ascii: "\\")) }
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// What is accepted without effect, and what cannot be honoured.
    func problems(_ config: Config) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for entry in config.map.entries {
            if JdbcSourceDialect.meaningless.contains(entry.name) {
                problems.append(ConfigProblem("config.no_effect", entry.name, "\(entry.name) has no effect here", suggestion: "it may stay", isWarning: true))
            }
            guard let value = entry.value, let refusal = JdbcSourceDialect.refusals.first(where: { $0.name == entry.name }),
                !refusal.fine.contains(where: { equalBytes($0, value.trimmedASCII.asciiLowercased) })
            else { continue }
            // A query may hold anything: it is not repeated.
            let shown = entry.name.text.hasPrefix("query") ? entry.name.text : "\(entry.name)=\(value)"
            problems.append(ConfigProblem("config.unsupported", entry.name, "\(shown) cannot be honoured: \(refusal.why)", suggestion: "take it out"))
        }
        return problems
    }
}
