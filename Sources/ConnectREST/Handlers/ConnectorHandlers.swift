import ConnectRuntime

/// Listing, creating, reading, changing and removing connectors.
extension RestAPI {
    func list(_ request: Request) throws -> Response {
        let names = try herder.connectors()
        let expansions = request.target.values("expand")
        if expansions.isEmpty { return .json(.array(names.map { .string($0.text) })) }
        // A connector that went away, or cannot be read, while listing is left out.
        let members: [JSON.Member] = names.compactMap { name in
            var parts: [JSON.Member] = []
            for expansion in expansions {
                do throws(HerderError) {
                    switch expansion {
                    case "status": parts.append(JSON.Member("status", try herder.status(name).json))
                    case "info": parts.append(JSON.Member("info", try herder.info(name).json))
                    default: break
                    }
                } catch {
                    return nil
                }
            }
            return JSON.Member(name.text, .object(parts))
        }
        return .json(.object(members))
    }

    func create(_ request: Request) throws -> Response {
        let creation = try CreateRequest(try Body.parse(request.body))
        let name = Name(creation.name)
        let config = try named(creation.config, name)
        let result = try herder.put(name, config, initialState: creation.initialState, replacing: false)
        return .json(201, result.info.json, location: location(of: name, request))
    }

    func info(_ name: Name) throws -> Response {
        try saying("Connector \(name) not found") { () throws(HerderError) in .json(try herder.info(name).json) }
    }

    func remove(_ name: Name) throws -> Response {
        try saying("Connector \(name) not found") { () throws(HerderError) in
            try herder.remove(name)
            return .empty(204)
        }
    }

    func config(_ name: Name, _ method: Method, _ request: Request) throws -> Response {
        switch method {
        case .put:
            let config = try named(try Body.configuration(try Body.parse(request.body), of: "the configuration"), name)
            let result = try herder.put(name, config, initialState: nil, replacing: true)
            return result.isNew ? .json(201, result.info.json, location: location(of: name, request)) : .json(result.info.json)
        case .patch:
            let changes = try Body.configuration(try Body.parse(request.body), of: "the patch")
            return try saying("Connector \(name) not found") { () throws(HerderError) in .json(try herder.patch(name, changes).json) }
        default:
            return try saying("Connector \(name) not found") { () throws(HerderError) in .json(try herder.config(name).json) }
        }
    }

    /// The configuration with the connector's name in it; one that is there must agree.
    private func named(_ config: ConfigMap, _ name: Name) throws -> ConfigMap {
        var config = config
        if let written = config.text("name") {
            guard equalBytes(written, name.text) else {
                throw BadRequest(
                    message: "Connector name configuration (\(written)) doesn't match connector name in the URL (\(name))")
            }
        } else {
            config["name"] = .some(name.text)
        }
        return config
    }

    private func location(of name: Name, _ request: Request) -> String {
        "http://\(request.headers["Host"] ?? herder.workerID)/connectors/\(PercentEncoding.segment(name.text))"
    }

    /// Puts the words that clients know for this call in place of the herder's when there is no such connector.
    func saying(_ notFound: String, _ body: () throws(HerderError) -> Response) throws(HerderError) -> Response {
        do throws(HerderError) {
            return try body()
        } catch {
            throw error.kind == .notFound ? HerderError(.notFound, notFound) : error
        }
    }
}
