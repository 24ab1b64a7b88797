import ConnectRuntime

/// Where connectors stand: reading, moving and resetting offsets (KIP-875).
extension RestAPI {
    func offsets(_ name: Name, _ method: Method, _ request: Request) throws -> Response {
        switch method {
        case .patch:
            let wanted = try Self.entries(try Body.parse(request.body))
            return try saying("Connector \(name) not found") { () throws(HerderError) in
                Self.done("altered", connectorLooked: try herder.alterOffsets(name, wanted))
            }
        case .delete:
            return try saying("Connector \(name) not found") { () throws(HerderError) in
                Self.done("reset", connectorLooked: try herder.alterOffsets(name, nil))
            }
        default:
            return try saying("Connector \(name) not found") { () throws(HerderError) in
                let entries = try herder.offsets(name).map { entry in
                    JSON.object([JSON.Member("partition", entry.partition), JSON.Member("offset", entry.offset ?? .null)])
                }
                return .json(.object([JSON.Member("offsets", .array(entries))]))
            }
        }
    }

    private static func done(_ word: String, connectorLooked: Bool) -> Response {
        let message =
            connectorLooked
            ? "The offsets for this connector have been \(word) successfully"
            : "The Connect framework-managed offsets for this connector have been \(word) successfully. However, if this connector manages offsets externally, "
                + "they will need to be manually \(word) in the system that the connector uses."
        return .json(.object([JSON.Member("message", .string(message))]))
    }

    /// `{"offsets": [{"partition": {…}, "offset": {…} or null}]}` and nothing else.
    private static func entries(_ json: JSON) throws -> [ConnectorOffset] {
        guard let members = json.members else { throw BadRequest(message: "The request body must be a JSON object with \"offsets\"") }
        try refuseStrangers(members, known: ["offsets"])
        let list = json["offsets"] ?? .null
        if list == .null || list.elements?.isEmpty == true {
            throw BadRequest(message: "Partitions / offsets need to be provided for an alter offsets request")
        }
        guard let elements = list.elements else { throw BadRequest(message: "The field \"offsets\" must be a list of {\"partition\", \"offset\"}") }
        return try elements.enumerated().map { number, element in
            guard let members = element.members else {
                throw BadRequest(message: "Entry \(number + 1) of \"offsets\" must be an object with \"partition\" and \"offset\"")
            }
            try refuseStrangers(members, known: ["partition", "offset"])
            for name: Name in ["partition", "offset"] {
                switch element[name] {
                case nil, .null?, .object?: break
                default: throw BadRequest(message: "The \(name) in entry \(number + 1) of \"offsets\" must be an object or null")
                }
            }
            let offset = element["offset"] ?? .null
            return ConnectorOffset(partition: element["partition"] ?? .null, offset: offset == .null ? nil : offset)
        }
    }

    private static func refuseStrangers(_ members: [JSON.Member], known: [Name]) throws {
        for member in members where !known.contains(member.name) {
            throw BadRequest(
                message: "Unrecognized field \"\(member.name)\" at line \(member.position.line), column \(member.position.column) "
                    + "(known fields: \(known.map { "\"\($0)\"" }.joined(separator: ", ")))")
        }
    }
}
