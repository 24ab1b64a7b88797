import ConnectRuntime

/// What can be configured, and whether a configuration is right.
extension RestAPI {
    func plugins(_ request: Request) -> Response {
        let order: [PluginKind] = [.sink, .source, .transformation, .predicate, .converter, .headerConverter]
        let kinds = request.target.flag("connectorsOnly", default: true) ? Array(order.prefix(2)) : order
        var listed: Set<String> = []
        var entries: [JSON] = []
        for kind in kinds {
            let ofKind = herder.plugins.plugins.filter { $0.kind == kind }.sorted { $0.className < $1.className }
            for plugin in ofKind where listed.insert("\(kind.rawValue) \(plugin.className)").inserted {
                entries.append(
                    .object([
                        JSON.Member("class", .string(plugin.className.text)), JSON.Member("type", .string(kind.rawValue)),
                        JSON.Member("version", .string(plugin.version)),
                    ]))
            }
        }
        return .json(.array(entries))
    }

    /// A plugin's settings: its own first, then what the framework adds to every connector.
    func pluginConfig(_ name: String) throws -> Response {
        guard let plugin = herder.plugins.find(name, { _ in true }) else { throw HerderError(.notFound, "Unknown plugin \(name).") }
        var keys = plugin.definition.keys
        if plugin.kind == .source || plugin.kind == .sink {
            let report = try herder.validate(plugin: name, ConfigMap(["connector.class": plugin.className.text]))
            let own = Set(keys.map(\.name))
            keys += report.items.compactMap(\.definition).filter { !own.contains($0.name) }
        }
        return .json(.array(keys.map(\.json)))
    }

    func validate(_ name: String, _ request: Request) throws -> Response {
        let config = try Body.configuration(try Body.parse(request.body), of: "the configuration")
        return .json(try herder.validate(plugin: name, config).json)
    }
}
