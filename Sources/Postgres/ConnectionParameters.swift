/// Where a server is and how to log in: libpq's keywords and values.
///
/// Its description shows hosts, database and user, never a password.
public struct ConnectionParameters: Sendable, Hashable, CustomStringConvertible {
    /// Keywords in the order they were given; a later one of the same name wins.
    public private(set) var keywords: [(name: String, value: String)]
    /// Parameters of the URL that mean nothing to us, for a note in the log: names only.
    public internal(set) var ignored: [String] = []

    public init(_ keywords: [(name: String, value: String)] = []) {
        self.keywords = []
        for keyword in keywords { self[keyword.name] = keyword.value }
    }

    public subscript(_ name: String) -> String? {
        get { keywords.last { $0.name == name }?.value }
        set {
            keywords.removeAll { $0.name == name }
            if let newValue { keywords.append((name, newValue)) }
        }
    }

    public static func == (left: ConnectionParameters, right: ConnectionParameters) -> Bool {
        left.keywords.count == right.keywords.count
            && zip(left.keywords, right.keywords).allSatisfy {
                $0.name.utf8.elementsEqual($1.name.utf8) && $0.value.utf8.elementsEqual($1.value.utf8)
            }
    }

    public func hash(into hasher: inout Hasher) {
        for keyword in keywords { hasher.combine(keyword.name) }
    }

    /// Where several servers are named and it is not said which of them is meant: the one that is no standby.
    public var seekingPrimary: ConnectionParameters {
        var parameters = self
        let isSeveral = (self["host"] ?? self["hostaddr"] ?? "").utf8.contains(UInt8(ascii: ","))
        if isSeveral, self["target_session_attrs"] == nil { parameters["target_session_attrs"] = "primary" }
        return parameters
    }

    static let secretKeywords = ["password", "sslpassword"]

    var scrubber: Scrubber {
        Scrubber(
            secrets: ConnectionParameters.secretKeywords.compactMap { self[$0] },
            known: [self["user"], self["dbname"], self["host"]].compactMap { $0 })
    }

    public var description: String {
        let hosts = (self["host"] ?? self["hostaddr"] ?? "localhost").split(separator: ",", omittingEmptySubsequences: false)
        let ports = (self["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let places = hosts.enumerated().map { index, host in
            let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
            return port.isEmpty ? String(host) : "\(host):\(port)"
        }
        var text = "database \"\(self["dbname"] ?? self["user"] ?? "")\" on \(places.joined(separator: ","))"
        if let user = self["user"] { text += " as \(user)" }
        return scrubber.scrub(text)
    }
}
