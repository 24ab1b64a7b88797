/// Settings that a session gets as soon as it is there, so that no role's or database's defaults change what values look like.
public struct SessionSettings: Sendable {
    public var settings: [(name: String, value: String)]

    public init(_ settings: [(name: String, value: String)]) { self.settings = settings }

    /// What every session of ours has: UTC, ISO forms, exact floats, hexadecimal bytes, literals as the standard has them; statements that see what was committed before them.
    public static let pinned = SessionSettings([
        ("TimeZone", "UTC"), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "iso_8601"), ("extra_float_digits", "1"), ("bytea_output", "hex"),
        ("standard_conforming_strings", "on"), ("xmloption", "content"), ("lc_monetary", "C"),
        ("default_transaction_isolation", "read committed"),
    ])

    public func adding(_ name: String, _ value: String) -> SessionSettings { SessionSettings(settings + [(name, value)]) }
}

extension Connection {
    func apply(_ settings: SessionSettings, searchPath: String?) throws(PostgresError) {
        var sql = ""
        for setting in settings.settings { sql += "SET \(setting.name) TO \(Quoting.literal(setting.value));" }
        // A client that went away is noticed in the middle of a statement too: closing the session then ends it (since 14).
        if serverVersion >= 140_000 { sql += "SET client_connection_check_interval TO '1s';" }
        if let searchPath { sql += "SET search_path TO \(searchPath);" }
        try execute(sql)
    }
}
