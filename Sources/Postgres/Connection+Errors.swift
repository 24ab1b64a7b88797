internal import CPostgres

extension Connection {
    func closedError() -> PostgresError { PostgresError(.connection, "the session with \(place) is closed") }

    /// What libpq has to say about the session as a whole.
    func sessionError(connecting: Bool = false) -> PostgresError {
        guard pointer != nil else { return closedError() }
        let text = firstLines(String(cString: PQerrorMessage(pointer)))
        let isBad = PQstatus(pointer) == CONNECTION_BAD
        let message = connecting ? "cannot connect to \(place): \(text)" : text
        return PostgresError(Connection.family(ofLibraryText: text, connecting: connecting, isBad: isBad), message)
    }

    /// While connecting libpq gives no code, only words; the server's are recognisable by what they are about.
    static func family(ofLibraryText text: String, connecting: Bool, isBad: Bool) -> PostgresError.Family {
        guard connecting else { return isBad ? .connection : .permanent }
        let refusals = [
            "password authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist", "is not permitted to log in",
            "certificate verify failed", "permission denied for database", "authentication method", "pg_hba.conf rejects",
        ]
        // A missing socket file "does not exist" only in libpq's question whether the server runs: that is a server that is down.
        if text.contains("Is the server running") { return .connection }
        return refusals.contains { text.contains($0) } ? .authentication : .connection
    }

    /// The error in a result.
    func resultError(_ result: OpaquePointer) -> PostgresError {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = connectd_pq_field(result, CChar(ascii)) else { return nil }
            return scrubber.scrub(String(cString: text))
        }
        let state = field("C")
        let isGone = pointer == nil || PQstatus(pointer) == CONNECTION_BAD
        let message = field("M") ?? firstLines(String(cString: PQresultErrorMessage(result)))
        return PostgresError(
            PostgresError.family(sqlState: state, isSessionGone: isGone), sqlState: state, message, detail: field("D"), hint: field("H"),
            table: field("t"), column: field("c"), constraint: field("n"))
    }

    private func firstLines(_ text: String) -> String {
        // Scrubbed while it still has its line ends: a secret may hold some.
        scrubber.scrub(text).split(whereSeparator: \.isNewline).map { $0.trimmingBlanks() }.filter { !$0.isEmpty }.joined(separator: "; ")
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> String {
        var rest = self
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return String(rest)
    }
}
