internal import ConnectRuntime
internal import Postgres

extension PostgresError {
    /// As the runner takes it: what may pass by itself is retriable, the rest is fatal with what to do.
    /// - Parameters:
    ///   - prefix: begins the code: `postgres.source`.
    ///   - doing: what it happened in, e.g. "reading changes".
    func connectError(_ prefix: String, _ doing: String) -> ConnectError {
        let kind: ConnectError.Kind =
            switch family {
            case .connection, .transient, .interrupted: .retriable
            case .authentication, .permanent: .fatal
            }
        var causes: [String] = []
        if let detail { causes.append(detail) }
        return ConnectError(
            kind, code: "\(prefix).\(word)", "\(doing): \(message)\(sqlState.map { " (SQLSTATE \($0))" } ?? "")", suggestion: suggestion(isSink: prefix == PostgresSinkTask.errorPrefix) ?? hint, causes: causes)
    }

    private static let noSlot = "the server has no free connection: raise max_connections or the role's limit, or stop idle clients; it is tried again"

    private var word: String {
        switch family {
        case .connection: "connection"
        case .authentication: "refused"
        case .transient: "transient"
        case .interrupted: "interrupted"
        case .permanent: has("42501") ? "permission" : "failed"
        }
    }

    private func suggestion(isSink: Bool) -> String? {
        // While connecting the server's code is not told, only its words.
        if sqlState == nil, ["too many clients", "too many connections", "connection slots are reserved"].contains(where: { message.contains($0) }) { return PostgresError.noSlot }
        return switch sqlState {
        case "28P01", "28000": "check connection.user and connection.password, and the server's pg_hba.conf"
        case "3D000": "check the database's name in connection.url"
        case "42501": "grant the right to the connector's user, or let the owner do it once"
        case "53300": PostgresError.noSlot
        case "42P01" where isSink: "the table is gone: bring it back, or set auto.create=true"
        case "42P01": "the table is gone: take it out of table.include.list, or bring it back"
        case "55P03": "another transaction holds the table's lock for longer than lock.timeout.ms: it is tried again"
        default: family == .authentication ? "check connection.url, connection.user and connection.password, and the server's pg_hba.conf" : nil
        }
    }
}

extension ConnectError {
    /// Any error met while doing something, PostgreSQL's with their own words.
    static func postgres(_ error: any Error, _ prefix: String, _ doing: String) -> ConnectError {
        if let error = error as? PostgresError { return error.connectError(prefix, doing) }
        return ConnectError(error)
    }
}
