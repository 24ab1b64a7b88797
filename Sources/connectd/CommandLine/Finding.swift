import ConnectRuntime

/// Something wrong or doubtful, in the one shape all commands show: code, place, sentence, what to do next.
struct Finding: Sendable, Hashable {
    struct Place: Sendable, Hashable {
        let file: String
        var position = JSONPosition()
        var text: String { position.line > 0 ? "\(file):\(position.line):\(position.column)" : file }
    }

    let code: String
    var place: Place?
    /// RFC 6901: `/connectors/shop/topics`.
    var pointer: String?
    let message: String
    /// What it costs to leave it so.
    var cost: String?
    var suggestion: String?
    /// What mends it, in the words of the system it was found in.
    var statements: [String] = []
    var severity = CheckFinding.Severity.error
    var cause = CheckFinding.Cause.asked
    var isWarning: Bool { severity == .warning }
    var isError: Bool { severity == .error }

    init(
        _ code: String, at place: Place? = nil, pointer: String? = nil, _ message: String, suggestion: String? = nil, isWarning: Bool = false
    ) {
        self.code = code
        self.place = place
        self.pointer = pointer
        self.message = message
        self.suggestion = suggestion
        severity = isWarning ? .warning : .error
    }

    /// - Parameter mustAnswer: whether a system that does not answer is an error; otherwise it is a warning, since it may when the connector starts.
    init(_ found: CheckFinding, at place: Place?, pointer: String?, mustAnswer: Bool) {
        self.init(found.code, at: place, pointer: pointer, found.message, suggestion: found.suggestion)
        cost = found.cost
        statements = found.statements
        cause = found.cause
        severity = found.severity == .error && found.cause == .unreachable && !mustAnswer ? .warning : found.severity
    }

    init(_ error: ConnectError, at place: Place? = nil) {
        self.init(error.code, at: place, error.message, suggestion: error.suggestion)
    }

    /// Names of a JSON pointer, escaped.
    static func pointer(_ names: [String]) -> String {
        names.map { name in
            var text = "/"
            for scalar in name.unicodeScalars {
                switch scalar {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.unicodeScalars.append(scalar)
                }
            }
            return text
        }.joined()
    }

    func text(_ terminal: Terminal) -> String {
        if severity == .ok { return "\(terminal.check) \(message)" }
        var head = "\(isWarning ? terminal.warning : terminal.cross) \(code)"
        if let place { head += "  \(place.text)" }
        if let pointer { head += "  \(pointer)" }
        var lines = [head] + Self.lines(message, indent: "    ")
        if let cost { lines += Self.lines("cost: \(cost)", indent: "    ") }
        var mending = suggestion.map { Self.lines($0, indent: "") } ?? []
        mending += statements.flatMap { Self.lines($0 + ";", indent: "") }
        for (index, line) in mending.enumerated() { lines.append("    \(index == 0 ? terminal.arrow : String(repeating: " ", count: terminal.arrow.count)) \(line)") }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ text: String, indent: String) -> [String] { text.split(separator: "\n").map { indent + $0 } }

    var json: JSON {
        var members = [JSON.Member("code", .string(code)), JSON.Member("severity", .string(severity.rawValue))]
        if let place {
            members.append(JSON.Member("file", .string(place.file)))
            if place.position.line > 0 {
                members.append(JSON.Member("line", .integer(Int64(place.position.line))))
                members.append(JSON.Member("column", .integer(Int64(place.position.column))))
            }
        }
        if let pointer { members.append(JSON.Member("pointer", .string(pointer))) }
        members.append(JSON.Member("message", .string(message)))
        if let cost { members.append(JSON.Member("cost", .string(cost))) }
        if let suggestion { members.append(JSON.Member("suggestion", .string(suggestion))) }
        if !statements.isEmpty { members.append(JSON.Member("statements", .array(statements.map { .string($0) }))) }
        return .object(members)
    }
}
