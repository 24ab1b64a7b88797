internal import ConnectRuntime
internal import Postgres

/// The settings of Debezium's PostgreSQL connector, read as ours. What it does by a replication slot we do by triggers, so a slot's settings have no meaning here;
/// a setting that would change the records and that we do not have is refused.
enum DebeziumPostgresSettings {
    private static let host = Setting<String>.string(
        "database.hostname", allowEmpty: false, importance: .high, displayName: "Hostname", "The database server's name or address.")
    private static let port = Setting<Int>.int("database.port", default: 5432, range: 1...65_535, importance: .high, displayName: "Port", "The database server's port.")
    private static let user = Setting<String?>.optionalString("database.user", importance: .high, displayName: "User", "Who to log in as.")
    private static let password = Setting<Secret?>.password("database.password", importance: .high, displayName: "Password", "The user's password.")
    private static let database = Setting<String>.string(
        "database.dbname", allowEmpty: false, importance: .high, displayName: "Database", "The database whose tables are captured.")
    private static let tls: [(setting: Setting<String?>, keyword: String)] = [
        ("database.sslmode", "sslmode"), ("database.sslcert", "sslcert"), ("database.sslkey", "sslkey"), ("database.sslrootcert", "sslrootcert"),
    ].map { name, keyword in
        (.optionalString(Name(name), importance: .medium, displayName: name, "libpq's \(keyword): how the connection is encrypted and checked."), keyword)
    }
    private static let tlsPassword = Setting<Secret?>.password("database.sslpassword", displayName: "Key's password", "The password of the client's private key.")

    /// What we read under Debezium's defaults.
    private static let shared = PostgresSourceSettings.definition.without([
        PostgresConnectionSettings.url.name, PostgresConnectionSettings.user.name, PostgresConnectionSettings.password.name,
    ]).defaulting(["poll.interval.ms": "500", "batch.max.rows": "2048"])

    static let definition = shared
        .group("Connection", host, port, user, password, database, tls[0].setting, tls[1].setting, tls[2].setting, tls[3].setting, tlsPassword)
        .merging(meaninglessDefinition)

    static let dialect = PostgresSource.Dialect(
        options: options, problems: problems, name: { name, _ in name == PostgresConnectionSettings.url.name ? host.name : name })

    private static let meaningless: [Name] = [
        "plugin.name", "slot.name", "slot.drop.on.stop", "slot.stream.params", "slot.max.retries", "slot.retry.delay.ms", "slot.failover", "slot.seek.to.known.offset.on.start",
        "publication.name", "publication.autocreate.mode", "replica.identity.autoset.values", "status.update.interval.ms", "xmin.fetch.interval.ms", "flush.lsn.source",
        "lsn.flush.mode", "max.queue.size", "max.queue.size.in.bytes", "snapshot.fetch.size", "snapshot.max.threads", "snapshot.delay.ms", "snapshot.lock.timeout.ms",
        "snapshot.locking.mode", "snapshot.isolation.mode", "heartbeat.interval.ms", "heartbeat.action.query", "database.tcpKeepAlive", "database.initial.statements",
        "unavailable.value.placeholder", "schema.refresh.mode", "retriable.restart.connector.wait.ms", "errors.max.retries", "include.unknown.datatypes", "sanitize.field.names",
        "schema.history.internal", "query.fetch.size", "custom.metric.tags", "read.only", "executor.shutdown.timeout.ms", "connection.validation.timeout.ms",
    ]
    private static let meaninglessDefinition: ConfigDefinition = meaningless.reduce(ConfigDefinition()) { definition, name in
        definition.group(
            "Accepted without effect",
            Setting<String?>.optionalString(name, importance: .low, displayName: name.text, "Accepted so that existing configurations run; nothing here depends on it."))
    }

    /// Settings that change what is delivered and that we do not have, with the value that means what we do.
    private static let refused: [(name: String, fine: [String], why: String)] = [
        ("column.include.list", [""], "whole rows are delivered"), ("column.exclude.list", [""], "whole rows are delivered"),
        ("converters", [""], "values are converted as the documentation's table of types says"),
        ("provide.transaction.metadata", ["false"], "there is no transaction topic"),
        ("binary.handling.mode", ["bytes"], "bytea is delivered as bytes"), ("hstore.handling.mode", ["map"], "hstore is delivered as a map"),
        ("interval.handling.mode", ["string"], "an interval is delivered as ISO 8601 text, which loses nothing"),
        ("event.processing.failure.handling.mode", ["fail"], "errors.tolerance and the dead letter topic decide"),
        ("topic.naming.strategy", ["io.debezium.schema.SchemaTopicNamingStrategy", "io.debezium.schema.DefaultTopicNamingStrategy"], "topics are <topic.prefix>.<schema>.<table>"),
        ("topic.delimiter", ["."], "topics are <topic.prefix>.<schema>.<table>"), ("signal.data.collection", [""], "there are no signals: rows are delivered beside the changes by themselves"),
        ("snapshot.include.collection.list", [""], "all captured tables are delivered initially"), ("snapshot.select.statement.overrides", [""], "whole tables are delivered initially"),
        ("money.fraction.digits", ["2"], "money is delivered as decimal text"), ("schema.name.adjustment.mode", ["none"], "schema names are kept"),
        ("field.name.adjustment.mode", ["none"], "field names are kept"), ("skip.messages.without.change", ["false"], "every change is delivered"),
    ]
    private static let refusedPrefixes = ["column.mask.", "column.truncate.", "column.propagate.", "datatype.propagate.", "signal.kafka."]

    private static func problems(_ config: Config) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for entry in config.map.entries {
            let name = entry.name
            if meaningless.contains(name) {
                problems.append(
                    ConfigProblem(
                        "config.no_effect", name, "\(name) has no effect here: changes are captured by triggers, without a replication slot", isWarning: true))
            }
            let refusal = refused.first { equalBytes($0.name, name.text) }
            if let refusal, let value = entry.value, !refusal.fine.contains(value.trimmedASCII) {
                problems.append(ConfigProblem("config.unsupported", name, "\(name)=\(value) cannot be honoured: \(refusal.why)", suggestion: "take it out"))
            } else if refusedPrefixes.contains(where: { name.text.hasPrefix($0) }) {
                problems.append(
                    ConfigProblem("config.unsupported", name, "\(name) cannot be honoured: values are delivered as they are", suggestion: "take it out, and use a transform"))
            }
        }
        return problems
    }

    /// Reads Debezium's configuration as ours.
    private static func options(_ config: Config) throws -> SourceOptions {
        var map = config.map
        var parameters = [(name: "sslpassword", value: try config.value(tlsPassword)?.reveal())]
        for (setting, keyword) in tls { parameters.append((keyword, try config.value(setting))) }
        let query = parameters.compactMap { parameter in parameter.value.map { "\(parameter.name)=\(URLText.encode($0))" } }.joined(separator: "&")
        let address = try config.value(host)
        let place = address.contains(":") ? "[\(address)]" : URLText.encode(address)
        map["connection.url"] = .some("postgresql://\(place):\(try config.value(port))/\(URLText.encode(try config.value(database)))\(query.isEmpty ? "" : "?" + query)")
        map["connection.user"] = try config.value(user).map { .some($0) }
        map["connection.password"] = try config.value(password).map { .some($0.reveal()) }
        let (parsed, problems) = PostgresSourceSettings.definition.defaulting(["poll.interval.ms": "500", "batch.max.rows": "2048"]).parse(map)
        if let problem = problems.first(where: { !$0.isWarning }) {
            throw ConnectError(.configuration, code: problem.code, problem.message, suggestion: problem.suggestion)
        }
        return try SourceOptions(parsed)
    }
}
