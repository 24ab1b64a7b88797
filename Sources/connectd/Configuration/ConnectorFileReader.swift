import ConnectRuntime

/// Reads the forms a file of connectors may have: ours, and those of Kafka Connect's standalone worker.
///
/// `{"connectors": {name: config}, "worker": {key: value}}`; one flat configuration with its `name`; `{"name", "config", "initial_state"}`;
/// Java properties. Which one it is shows in the content; the file's ending means nothing.
enum ConnectorFileReader {
    /// - Returns: what is declared, and everything that is wrong with how it is written.
    static func read(_ bytes: [UInt8], file: String) -> (Declarations, [Finding]) {
        let bytes = FileBytes.withoutMark(bytes)
        guard let first = bytes.first(where: { $0 > 0x20 }) else {
            return (
                Declarations(),
                [
                    Finding(
                        "file.empty", at: Finding.Place(file: file), "the file is empty",
                        suggestion: "write {\"connectors\": {\"NAME\": {\"connector.class\": …}}}, or one configuration with its \"name\"")
                ]
            )
        }
        guard first == UInt8(ascii: "{") else {
            return properties(bytes, file)
        }
        do throws(JSONError) {
            let json = try JSON.parse(bytes)
            var reader = Reader(file: file)
            reader.document(json)
            return (reader.declarations, reader.findings)
        } catch {
            let code = error.message.contains("stands twice") ? "json.duplicate_name" : "json.malformed"
            let suggestion = code == "json.duplicate_name" ? "remove one of the two" : "mend the JSON there"
            return (
                Declarations(),
                [Finding(code, at: Finding.Place(file: file, position: error.position), error.message, suggestion: suggestion)]
            )
        }
    }

    private static func properties(_ bytes: [UInt8], _ file: String) -> (Declarations, [Finding]) {
        let place = Finding.Place(file: file)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return (Declarations(), [Finding("file.not_text", at: place, "the file is neither JSON nor UTF-8 text", suggestion: "name a file of connectors")])
        }
        do throws(ConnectError) {
            let config = try Properties.parse(text, of: file)
            guard let name = config.text("name"), !name.isEmpty else {
                return (
                    Declarations(),
                    [
                        Finding(
                            "config.no_name", at: place, "the file is no JSON object, and as Java properties it has no \"name\"",
                            suggestion: "begin it with { for JSON, or add a line name=…")
                    ]
                )
            }
            var declarations = Declarations()
            declarations.connectors = [
                DeclaredConnector(name: Name(name), config: config, initialState: nil, place: place, places: [:], pointer: [])
            ]
            return (declarations, [])
        } catch {
            return (Declarations(), [Finding(error, at: place)])
        }
    }
}

/// Walks a JSON document and collects what it declares.
private struct Reader {
    let file: String
    var declarations = Declarations()
    var findings: [Finding] = []

    private func place(_ member: JSON.Member) -> Finding.Place { Finding.Place(file: file, position: member.position) }

    mutating func document(_ json: JSON) {
        let members = json.members ?? []
        if members.contains(where: { $0.name == "connectors" && $0.value.members != nil }) {
            ours(members)
        } else if json["name"] != nil, json["config"]?.members != nil {
            wrapped(json, members)
        } else if json["name"] != nil {
            connector(json["name"]?.text, json, [], Finding.Place(file: file), nil)
        } else {
            findings.append(
                Finding(
                    "config.shape", at: Finding.Place(file: file), "the file declares no connectors",
                    suggestion: "write {\"connectors\": {\"NAME\": {\"connector.class\": …}}}, or one configuration with its \"name\""))
        }
    }

    private mutating func ours(_ members: [JSON.Member]) {
        for member in members {
            switch member.name {
            case "connectors":
                for entry in member.value.members ?? [] {
                    connector(entry.name.text, entry.value, ["connectors", entry.name.text], place(entry), nil)
                }
            case "worker": worker(member)
            case "$schema": break
            default:
                let nearest = Nearest.name(to: member.name, among: ["connectors", "worker"])
                findings.append(
                    Finding(
                        "config.unknown_key", at: place(member), pointer: Finding.pointer([member.name.text]),
                        "the file has no part \"\(member.name)\"",
                        suggestion: nearest.map { "did you mean \"\($0)\"?" } ?? "its parts are \"connectors\" and \"worker\""))
            }
        }
    }

    private mutating func worker(_ part: JSON.Member) {
        guard let members = part.value.members else {
            findings.append(
                Finding("config.shape", at: place(part), pointer: "/worker", "\"worker\" must be an object of settings", suggestion: "write \"worker\": {\"listeners\": …}"))
            return
        }
        for member in members {
            guard let text = scalar(member, ["worker"]) else { continue }
            declarations.worker.append((member.name, text, place(member), Finding.pointer(["worker", member.name.text])))
        }
    }

    private mutating func wrapped(_ json: JSON, _ members: [JSON.Member]) {
        var state: TargetState?
        if let word = json["initial_state"]?.text {
            switch word.uppercased() {
            case "RUNNING": state = .started
            case "PAUSED": state = .paused
            case "STOPPED": state = .stopped
            default:
                let where_ = members.first { $0.name == "initial_state" }.map { place($0) }
                findings.append(
                    Finding(
                        "config.invalid_value", at: where_, pointer: "/initial_state", "initial_state is \"\(word)\"",
                        suggestion: "write RUNNING, PAUSED or STOPPED"))
            }
        }
        connector(json["name"]?.text, json["config"] ?? .object([]), ["config"], Finding.Place(file: file), state)
    }

    private mutating func connector(_ written: String?, _ json: JSON, _ pointer: [String], _ place: Finding.Place, _ state: TargetState?) {
        guard let written, !written.trimmedASCII.isEmpty else {
            findings.append(Finding("config.no_name", at: place, "the connector has no name", suggestion: "give it one: \"name\": \"…\""))
            return
        }
        let name = written.trimmedASCII
        guard let members = json.members else {
            findings.append(
                Finding(
                    "config.shape", at: place, pointer: Finding.pointer(pointer), "the configuration of \"\(name)\" must be an object",
                    suggestion: "write \"\(name)\": {\"connector.class\": …}"))
            return
        }
        var config = ConfigMap()
        var places: [Name: Finding.Place] = [:]
        for member in members {
            guard let text = scalar(member, pointer) else { continue }
            config[member.name] = .some(text)
            places[member.name] = self.place(member)
        }
        if let inner = config.text("name"), !equalBytes(inner.trimmedASCII, name) {
            findings.append(
                Finding(
                    "config.name_mismatch", at: places["name"] ?? place, pointer: Finding.pointer(pointer + ["name"]),
                    "the connector \"\(name)\" calls itself \"\(inner)\"", suggestion: "leave \"name\" out or write \"\(name)\""))
        }
        config["name"] = .some(name)
        if let earlier = declarations.connectors.first(where: { $0.name == Name(name) }) {
            findings.append(Finding("config.duplicate_connector", at: place, "the connector \"\(name)\" stands at \(earlier.place.text) already", suggestion: "rename one of the two"))
        }
        declarations.connectors.append(
            DeclaredConnector(name: Name(name), config: config, initialState: state, place: place, places: places, pointer: pointer))
    }

    /// Text, with numbers and booleans as theirs; `.some(nil)` for null; `nil` after a finding.
    private mutating func scalar(_ member: JSON.Member, _ pointer: [String]) -> String?? {
        switch member.value {
        case .null: return .some(nil)
        case .string(let text), .number(let text): return text
        case .boolean(let value): return value ? "true" : "false"
        case .array, .object:
            findings.append(
                Finding(
                    "config.not_text", at: place(member), pointer: Finding.pointer(pointer + [member.name.text]),
                    "the value of \"\(member.name)\" must be text, a number, a boolean or null", suggestion: "write lists as one text with commas"))
            return nil
        }
    }
}
