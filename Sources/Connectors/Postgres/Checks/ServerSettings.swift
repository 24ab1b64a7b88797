internal import ConnectRuntime
internal import Postgres

/// A server's settings that decide what is durable, what is tidied up and how many may come. A value, and what is found about it.
struct ServerSettings: Sendable, Hashable {
    struct Setting: Sendable, Hashable {
        let value: String
        /// Where it was set, in `pg_settings`' words.
        let source: String
    }
    /// Whom the findings are for.
    enum Side: Sendable { case source, sink }

    let settings: [String: Setting]
    let role: String
    let database: String

    static let names = ["fsync", "full_page_writes", "synchronous_commit", "wal_level", "track_commit_timestamp", "autovacuum", "track_counts"]

    static func read(_ look: PostgresLook) throws(PostgresError) -> ServerSettings {
        let result = try look.connection.query("SELECT name, setting, source FROM pg_catalog.pg_settings WHERE name = ANY ($1::text[])", [.textArray(names)])
        var settings: [String: Setting] = [:]
        for row in 0..<result.rowCount { settings[result.text(row, 0) ?? ""] = Setting(value: result.text(row, 1) ?? "", source: result.text(row, 2) ?? "") }
        return ServerSettings(settings: settings, role: look.role, database: look.database)
    }

    private func value(_ name: String) -> String { settings[name]?.value ?? "unknown" }

    func findings(_ side: Side) -> [CheckFinding] {
        let url = PostgresLook.url
        var found = [
            CheckFinding(
                .ok, "postgres.settings", url,
                "fsync \(value("fsync")), full_page_writes \(value("full_page_writes")), synchronous_commit \(value("synchronous_commit")), wal_level \(value("wal_level")), track_commit_timestamp \(value("track_commit_timestamp")) (neither replication slots nor commit timestamps are used)")
        ]
        if value("fsync") == "off" {
            found.append(off("fsync", "a power cut or a crash of the machine may damage the database and lose committed rows: what was delivered then has no origin, or is missing in the copy"))
        }
        if value("full_page_writes") == "off" { found.append(off("full_page_writes", "a power cut may leave torn pages, which recovery cannot mend")) }
        if value("synchronous_commit") == "off" {
            found.append(
                CheckFinding(
                    .warning, "postgres.synchronous_commit", url, "synchronous_commit is off for role \(role)",
                    cost: side == .source
                        ? "a crash of the server loses the last commits; changes are delivered only once they are flushed, up to some tenths of a second later"
                        : "a crash of the server loses the sink's last transactions: the task fails then, and writes them again after a restart",
                    suggestion: suggestion("synchronous_commit"), statements: turnOn("synchronous_commit")))
        }
        let untidy = ["autovacuum", "track_counts"].filter { value($0) == "off" }
        if !untidy.isEmpty {
            found.append(
                CheckFinding(
                    .warning, "postgres.autovacuum", url, "\(untidy.joined(separator: " and ")) \(untidy.count == 1 ? "is" : "are") off: nobody clears away what was deleted",
                    cost: side == .source ? "connectd.change grows with every change that is pruned, and looks at it become slow" : "connectd.sink_offset and the tables that are written grow with every update",
                    suggestion: suggestion("autovacuum"), statements: untidy.flatMap(turnOn)))
        }
        return found
    }

    private func off(_ name: String, _ cost: String) -> CheckFinding {
        CheckFinding(.warning, "postgres.\(name)", PostgresLook.url, "\(name) is off", cost: cost, suggestion: suggestion(name), statements: turnOn(name))
    }

    private func suggestion(_ name: String) -> String {
        switch settings[name]?.source {
        case "user", "database", "database user": "let an administrator run:"
        default: "let a superuser run this, or change it where the server is managed:"
        }
    }

    /// Set where it was set.
    private func turnOn(_ name: String) -> [String] {
        switch settings[name]?.source {
        case "user": ["ALTER ROLE \(Quoting.identifier(role)) RESET \(name)"]
        case "database": ["ALTER DATABASE \(Quoting.identifier(database)) RESET \(name)"]
        case "database user": ["ALTER ROLE \(Quoting.identifier(role)) IN DATABASE \(Quoting.identifier(database)) RESET \(name)"]
        default: ["ALTER SYSTEM SET \(name) = on", "SELECT pg_reload_conf()"]
        }
    }
}
