extension ConnectionParameters {
    /// A parameter of PostgreSQL's JDBC driver as libpq's keyword; one without meaning here is kept by name in ``ignored``.
    mutating func setJDBC(_ name: String, _ value: String) throws(PostgresError) {
        switch name {
        case "user", "password", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslpassword", "options": self[name] = value
        case "ssl":
            // The driver's `ssl=true` verifies the server unless sslmode says otherwise.
            if value.isEmpty || value == "true", self["sslmode"] == nil { self["sslmode"] = "verify-full" }
        case "ApplicationName": self["application_name"] = value
        case "connectTimeout", "loginTimeout": self["connect_timeout"] = value
        case "tcpKeepAlive": self["keepalives"] = value == "false" ? "0" : "1"
        case "gssEncMode": self["gssencmode"] = value
        case "kerberosServerName": self["krbsrvname"] = value
        case "currentSchema":
            let path = value.split(separator: ",").map { Quoting.identifier(String($0)) }.joined(separator: ",")
            self["connectd_search_path"] = path
        case "targetServerType":
            switch value {
            case "any": self["target_session_attrs"] = "any"
            case "primary", "master": self["target_session_attrs"] = "primary"
            case "secondary", "slave": self["target_session_attrs"] = "standby"
            case "preferSecondary", "preferSlave": self["target_session_attrs"] = "prefer-standby"
            default: ignored.append(name)
            }
        default: ignored.append(name)
        }
    }

    /// Our own keyword for a search path: set once the session is there, so that a connection pool in between need not know it.
    static let searchPath = "connectd_search_path"

    /// Refuses what libpq does not know, by name and never by value, and what would take the session out of our hands.
    func checkKeywords() throws(PostgresError) {
        let known = Keywords.known
        for keyword in keywords where keyword.name != ConnectionParameters.searchPath {
            if !known.contains(keyword.name) {
                throw PostgresError(.permanent, "the connection URL has a parameter \"\(keyword.name)\" that libpq does not know")
            }
            if keyword.name == "client_encoding" || keyword.name == "replication" || keyword.name == "service" {
                throw PostgresError(.permanent, "the parameter \(keyword.name) cannot be set in the connection URL of a connector")
            }
        }
    }
}
