extension ConnectionParameters {
    /// Reads `postgresql://[user[:password]@][host[:port][,…]][/database][?name=value&…]`, also as `postgres://` and `jdbc:postgresql:…`.
    ///
    /// - Throws: ``PostgresError`` of family `.permanent`; its message never shows a part of the text, which may hold a password.
    public init(url: String) throws(PostgresError) {
        var bytes = Array(url.utf8)[...]
        let isJDBC = ConnectionParameters.drop("jdbc:", from: &bytes)
        guard ConnectionParameters.drop("postgresql:", from: &bytes) || (!isJDBC && ConnectionParameters.drop("postgres:", from: &bytes)) else {
            throw PostgresError(
                .permanent, "the connection URL begins neither with postgresql:// nor with jdbc:postgresql://",
                hint: "write postgresql://host:5432/database")
        }
        self.init()
        var query: ArraySlice<UInt8> = []
        if ConnectionParameters.drop("//", from: &bytes) {
            let authorityEnd = bytes.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.endIndex
            try readAuthority(bytes[..<authorityEnd], isJDBC: isJDBC)
            bytes = bytes[authorityEnd...]
            _ = ConnectionParameters.drop("/", from: &bytes)
        } else if isJDBC {
            // `jdbc:postgresql:database` and `jdbc:postgresql:/` mean the local host.
            if bytes.prefix(while: { $0 != UInt8(ascii: "?") }).contains(UInt8(ascii: "@")) { throw ConnectionParameters.misplaced("has an @ and no // before it") }
            _ = ConnectionParameters.drop("/", from: &bytes)
            self["host"] = "localhost"
        } else {
            throw PostgresError(.permanent, "the connection URL has no // after its scheme", hint: "write postgresql://host:5432/database")
        }
        if let mark = bytes.firstIndex(of: UInt8(ascii: "?")) {
            query = bytes[(mark + 1)...]
            bytes = bytes[..<mark]
        }
        // Such a URL could be read, and the end of a password taken for a name that is shown.
        if bytes.contains(UInt8(ascii: "@")) { throw ConnectionParameters.misplaced("has an @ behind the / of the database's name") }
        if !bytes.isEmpty { self["dbname"] = try ConnectionParameters.decoded(bytes, "database name") }
        for pair in query.split(separator: UInt8(ascii: "&")) { try readParameter(pair, isJDBC: isJDBC, isPlain: !query.contains(UInt8(ascii: "@"))) }
        try checkKeywords()
    }

    /// - Parameter isPlain: whether nothing among the parameters could be the rest of a password.
    private mutating func readParameter(_ pair: ArraySlice<UInt8>, isJDBC: Bool, isPlain: Bool) throws(PostgresError) {
        let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
        let name = try ConnectionParameters.decoded(pair[..<equals], "name of a parameter")
        let isWord = name.utf8.allSatisfy { ($0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z")) || $0 == UInt8(ascii: "_") }
        if equals == pair.endIndex, name != "ssl" { throw ConnectionParameters.misplaced("has a parameter without a =") }
        let value = try ConnectionParameters.decoded(equals < pair.endIndex ? pair[(equals + 1)...] : [], "value of a parameter")
        let known = ignored.count
        if isJDBC {
            try setJDBC(name, value)
        } else if name == "ssl" && value == "true" {
            self["sslmode"] = "require"
        } else if Keywords.known.contains(name) {
            self[name] = value
        } else {
            if !isPlain || !isWord { throw ConnectionParameters.misplaced("has a parameter that libpq does not know") }
            throw PostgresError(.permanent, "the connection URL has a parameter \"\(name)\" that libpq does not know")
        }
        if ignored.count > known, !isPlain || !isWord { ignored[known] = "a parameter" }
    }

    /// Something stands where a password that nobody encoded would put it: it is said where, never what.
    private static func misplaced(_ what: String) -> PostgresError { PostgresError(.permanent, "the connection URL \(what)", hint: encoding) }
    private static let encoding = "a password with : / ? # [ ] @ & or % in it must be percent-encoded, or stand in connection.password"

    private mutating func readAuthority(_ authority: ArraySlice<UInt8>, isJDBC: Bool) throws(PostgresError) {
        var places = authority
        // The last @: a password with an @ that nobody encoded still reads as it was meant.
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            let credentials = authority[..<at]
            places = authority[(at + 1)...]
            let colon = credentials.firstIndex(of: UInt8(ascii: ":")) ?? credentials.endIndex
            if colon > credentials.startIndex { self["user"] = try ConnectionParameters.decoded(credentials[..<colon], "user") }
            if colon < credentials.endIndex {
                self["password"] = try ConnectionParameters.decoded(credentials[(colon + 1)...], "password")
            }
        }
        var hosts: [String] = [], ports: [String] = []
        for place in places.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            var host = place, port: ArraySlice<UInt8> = []
            if place.first == UInt8(ascii: "[") {
                guard let close = place.firstIndex(of: UInt8(ascii: "]")) else {
                    throw PostgresError(.permanent, "an IPv6 address in the connection URL has no closing ]")
                }
                host = place[(place.startIndex + 1)..<close]
                if close + 1 < place.endIndex {
                    guard place[close + 1] == UInt8(ascii: ":") else {
                        throw PostgresError(.permanent, "something other than a port follows an IPv6 address in the connection URL")
                    }
                    port = place[(close + 2)...]
                }
            } else if let colon = place.lastIndex(of: UInt8(ascii: ":")) {
                host = place[..<colon]
                port = place[(colon + 1)...]
            }
            if !port.isEmpty, UInt16(String(decoding: port, as: UTF8.self)) ?? 0 == 0 {
                // What stands here may be a part of a password with a / in it: say where, not what.
                throw PostgresError(
                    .permanent, "the port in the connection URL is no number from 1 to 65535",
                    hint: "a password with : / ? # [ ] @ or % in it must be percent-encoded, or stand in connection.password")
            }
            hosts.append(try ConnectionParameters.decoded(host, "host"))
            ports.append(String(decoding: port, as: UTF8.self))
        }
        if hosts.contains(where: { !$0.isEmpty }) { self["host"] = hosts.joined(separator: ",") } else if isJDBC { self["host"] = "localhost" }
        if ports.contains(where: { !$0.isEmpty }) { self["port"] = ports.joined(separator: ",") }
    }

    static func drop(_ prefix: String, from bytes: inout ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: prefix.utf8) else { return false }
        bytes = bytes.dropFirst(prefix.utf8.count)
        return true
    }

    static func decoded(_ bytes: ArraySlice<UInt8>, _ what: String) throws(PostgresError) -> String {
        guard let text = PercentEncoding.decode(bytes) else {
            throw PostgresError(
                .permanent, "the \(what) in the connection URL is not correctly percent-encoded",
                hint: "a % that means itself is written %25; a password may stand in connection.password instead, as it is")
        }
        return text
    }
}
