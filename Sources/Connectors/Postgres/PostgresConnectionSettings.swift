internal import ConnectRuntime
internal import Postgres

/// The settings by which a server is reached: the same for source and sink.
enum PostgresConnectionSettings {
    static let url = Setting<String>(
        "connection.url", .string, importance: .high, width: .long, displayName: "Connection URL",
        "Where the database is: `postgresql://host:5432/database`, with libpq's parameters behind a `?`, or `jdbc:postgresql://host:5432/database` with the JDBC driver's. Of several hosts (`host1:5432,host2:5432`) the primary is taken, unless `target_session_attrs` says otherwise or a mode only reads tables."
    ) { (text: String) throws(SettingError) -> String in
        try check(url: text)
        return text
    }

    static func check(url text: String) throws(SettingError) {
        do throws(PostgresError) {
            _ = try ConnectionParameters(url: text)
        } catch {
            throw SettingError(error.description)
        }
    }

    static let user = Setting<String?>.optionalString(
        "connection.user", importance: .high, displayName: "User", aliases: ["connection.username"], "Who to log in as; wins over the URL.")
    static let password = Setting<Secret?>.password(
        "connection.password", importance: .high, displayName: "Password", "The user's password, taken as it is: nothing in it needs to be encoded. Wins over the URL.")
    static let timeout = Setting<Int>.int(
        "connection.timeout.ms", default: 10_000, range: 100...600_000, importance: .low, displayName: "Connection timeout (ms)",
        "How long to wait until a session is there.")

    /// Where to connect and as whom.
    static func parameters(_ config: Config) throws -> ConnectionParameters {
        do throws(PostgresError) {
            return try with(config, ConnectionParameters(url: try value(config, url)))
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "connection.url: \(error.description)")
        }
    }

    private static func value(_ config: Config, _ setting: Setting<String>) throws(PostgresError) -> String {
        do { return try config.value(setting) } catch { throw PostgresError(.permanent, "is missing") }
    }

    private static func with(_ config: Config, _ parameters: ConnectionParameters) throws(PostgresError) -> ConnectionParameters {
        var parameters = parameters
        do {
            if let user = try config.value(user) { parameters["user"] = user }
            if let password = try config.value(password) { parameters["password"] = password.reveal() }
        } catch {
            throw PostgresError(.permanent, "user or password cannot be read")
        }
        return parameters
    }
}
