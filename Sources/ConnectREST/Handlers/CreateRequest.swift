import ConnectRuntime

/// The body of a creation: `{"name", "config", "initial_state"}` and nothing else.
struct CreateRequest {
    let name: String
    let config: ConfigMap
    let initialState: TargetState?

    init(_ json: JSON) throws {
        guard let members = json.members else {
            throw BadRequest(message: "The request body must be a JSON object with \"name\" and \"config\"")
        }
        let known: [Name] = ["name", "config", "initial_state"]
        for member in members where !known.contains(member.name) {
            throw BadRequest(
                message: "Unrecognized field \"\(member.name)\" at line \(member.position.line), column \(member.position.column) "
                    + "(3 known fields: \"config\", \"name\", \"initial_state\"). "
                    + "A flat configuration goes to PUT /connectors/{name}/config")
        }
        name = try Body.text(json["name"], of: "name")?.trimmedASCII ?? ""
        guard let config = json["config"], config != .null else {
            throw BadRequest(message: "The field \"config\" is missing: an object with the connector's configuration")
        }
        var read = try Body.configuration(config, of: "the field \"config\"")
        for (number, member) in members.enumerated() where members[..<number].contains(where: { $0.name == member.name }) && !read.repeated.contains(member.name) {
            read.repeated.append(member.name)
        }
        self.config = read
        initialState = try Self.state(try Body.text(json["initial_state"], of: "initial_state"))
    }

    private static func state(_ text: String?) throws -> TargetState? {
        guard let text else { return nil }
        switch text.uppercased() {
        case "RUNNING": return .started
        case "PAUSED": return .paused
        case "STOPPED": return .stopped
        default: throw BadRequest(message: "The field \"initial_state\" is \"\(text)\"; it must be RUNNING, PAUSED or STOPPED")
        }
    }
}
