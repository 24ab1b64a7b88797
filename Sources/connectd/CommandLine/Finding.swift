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
    var suggestion: String?
    var isWarning = false

    init(
        _ code: String, at place: Place? = nil, pointer: String? = nil, _ message: String, suggestion: String? = nil, isWarning: Bool = false
    ) {
        self.code = code
        self.place = place
        self.pointer = pointer
        self.message = message
        self.suggestion = suggestion
        self.isWarning = isWarning
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
        var head = "\(isWarning ? terminal.warning : terminal.cross) \(code)"
        if let place { head += "  \(place.text)" }
        if let pointer { head += "  \(pointer)" }
        let lines = message.split(separator: "\n").map { "    \($0)" }
        return ([head] + lines + (suggestion.map { ["    \(terminal.arrow) \($0)"] } ?? [])).joined(separator: "\n")
    }

    var json: JSON {
        var members = [JSON.Member("code", .string(code)), JSON.Member("severity", .string(isWarning ? "warning" : "error"))]
        if let place {
            members.append(JSON.Member("file", .string(place.file)))
            if place.position.line > 0 {
                members.append(JSON.Member("line", .integer(Int64(place.position.line))))
                members.append(JSON.Member("column", .integer(Int64(place.position.column))))
            }
        }
        if let pointer { members.append(JSON.Member("pointer", .string(pointer))) }
        members.append(JSON.Member("message", .string(message)))
        if let suggestion { members.append(JSON.Member("suggestion", .string(suggestion))) }
        return .object(members)
    }
}
