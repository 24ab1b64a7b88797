internal import ConnectRuntime
internal import Postgres

/// A look at a server: a session whose transactions cannot write, and what was found so far. One part that cannot be looked at hides no other.
final class PostgresLook {
    let connection: Connection
    let request: CheckRequest
    /// Who we are there.
    private(set) var role = ""
    private(set) var database = ""
    private(set) var findings: [CheckFinding] = []
    private let prefix: String

    static let url = PostgresConnectionSettings.url.name
    /// The longest wait for a session: a look as a whole has a bound of its own.
    private static let mostConnectMilliseconds = 5_000
    private static let statementMilliseconds = 20_000
    private static let lockMilliseconds = 1_000

    private init(_ connection: Connection, _ request: CheckRequest, prefix: String) {
        self.connection = connection
        self.request = request
        self.prefix = prefix
    }

    /// Connects, has a look taken, and tells what was found; what keeps us out is a finding as well.
    /// - Parameter prefix: begins the codes: `postgres.source`.
    static func findings(
        _ parameters: ConnectionParameters, timeoutMilliseconds: Int, _ request: CheckRequest, prefix: String, _ body: (PostgresLook) -> Void
    ) -> [CheckFinding] {
        let settings = SessionSettings.pinned.adding("default_transaction_read_only", "on")
            .adding("statement_timeout", String(statementMilliseconds)).adding("lock_timeout", String(lockMilliseconds))
        do throws(PostgresError) {
            let connection = try Connection.open(parameters, settings: settings, timeoutMilliseconds: min(timeoutMilliseconds, mostConnectMilliseconds))
            defer { connection.close() }
            let look = PostgresLook(connection, request, prefix: prefix)
            look.part("looking at the server") { try look.introduce(parameters) }
            body(look)
            return look.findings
        } catch {
            return [finding(error, prefix, "connecting")]
        }
    }

    func add(_ finding: CheckFinding) { findings.append(finding) }

    /// Does one part of the look; when it fails, that is what is found. Does nothing once the session is gone.
    func part(_ doing: String, _ body: () throws -> Void) {
        guard connection.isOpen else { return }
        do { try body() } catch let error as PostgresError {
            add(PostgresLook.finding(error, prefix, doing))
        } catch { add(CheckFinding(ConnectError(error), PostgresLook.url)) }
    }

    private static func finding(_ error: PostgresError, _ prefix: String, _ doing: String) -> CheckFinding {
        let cause: CheckFinding.Cause =
            switch error.family {
            case .connection, .transient, .interrupted: .unreachable
            case .authentication: .refused
            case .permanent: error.has("42501") ? .refused : .asked
            }
        return CheckFinding(error.connectError(prefix, doing), url, cause: cause)
    }

    private func introduce(_ parameters: ConnectionParameters) throws {
        let result = try connection.execute(
            """
            SELECT pg_catalog.current_setting('server_version'), current_user, pg_catalog.current_database(),
              (SELECT s.version FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid() AND s.ssl)
            """)
        role = result.text(0, 1) ?? ""
        database = result.text(0, 2) ?? ""
        var place = parameters
        place["user"] = role
        place["dbname"] = database
        let version = (result.text(0, 0) ?? "").split(separator: " ").first.map(String.init) ?? "?"
        add(CheckFinding(.ok, "postgres.server", PostgresLook.url, "PostgreSQL \(version), \(place) (\(result.text(0, 3) ?? "TLS off"))"))
    }
}
