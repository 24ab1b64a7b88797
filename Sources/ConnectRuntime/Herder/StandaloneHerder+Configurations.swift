import Synchronization

/// Reading and writing configurations.
extension StandaloneHerder {
    public func connectors() throws(HerderError) -> [Name] { try snapshot().connectors.keys.sorted() }

    public func info(_ connector: Name) throws(HerderError) -> ConnectorInfo {
        info(connector, try entry(connector, orElse: "Connector \(connector) not found"))
    }

    public func config(_ connector: Name) throws(HerderError) -> ConfigMap { try info(connector).config }

    public func tasks(_ connector: Name) throws(HerderError) -> [ConfigMap] {
        let entry = try entry(connector, orElse: "Connector \(connector) not found")
        let secrets = secrets(entry.config)
        return (entry.tasks?.configs ?? []).map { secrets.hide($0) }
    }

    public func put(
        _ connector: Name, _ config: ConfigMap, initialState: TargetState?, replacing: Bool
    ) throws(HerderError) -> (isNew: Bool, info: ConnectorInfo) {
        var config = config
        if let named = config.text("name") {
            if !equalBytes(named, connector.text) {
                throw HerderError(.badRequest, "Connector name configuration (\(named)) doesn't match connector name in the URL (\(connector))")
            }
        } else {
            config["name"] = .some(connector.text)
        }
        return try store(connector, config, initialState: initialState, replacing: replacing)
    }

    public func patch(_ connector: Name, _ changes: ConfigMap) throws(HerderError) -> ConnectorInfo {
        var merged = try entry(connector, orElse: "Connector \(connector) not found").config
        for change in changes.entries { merged[change.name] = change.value.map { .some($0) } ?? .none }
        merged.repeated = changes.repeated
        return try store(connector, merged, initialState: nil, replacing: true).info
    }

    private func store(
        _ connector: Name, _ written: ConfigMap, initialState: TargetState?, replacing: Bool
    ) throws(HerderError) -> (isNew: Bool, info: ConnectorInfo) {
        let before = try snapshot().connectors[connector]
        if before != nil, !replacing { throw HerderError(.alreadyExists, "Connector \(connector) already exists") }
        let plugin = try validator.plugin(written)
        let config = try HiddenSecrets(validator.definition(plugin, written)).restore(written, from: before?.config)
        let report = try report(plugin, config)
        if report.errorCount > 0 {
            let messages = report.items.flatMap(\.errors).joined(separator: "\n")
            throw HerderError(
                .badRequest,
                "Connector configuration is invalid and contains the following \(report.errorCount) error(s):\n\(messages)\n"
                    + "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`")
        }
        let isNew = try write { () throws(HerderError) -> Bool in
            let there = try snapshot().connectors[connector]
            if there != nil, !replacing { throw HerderError(.alreadyExists, "Connector \(connector) already exists") }
            try stored { () throws(LogError) in try configs.putConnector(connector, config, targetState: there == nil ? initialState ?? .started : nil) }
            return there == nil
        }
        let warnings = report.problems.filter(\.isWarning)
        for warning in warnings {
            parts.logger.with("connector", connector.text).with("code", warning.code).warning(warning.message + (warning.suggestion.map { " (\($0))" } ?? ""))
        }
        let host = host(connector)
        host.state.withLock { $0.warnings = warnings }
        host.lane.async {
            // A write restarts the connector instance even when nothing changed; tasks restart only if theirs did.
            host.stopConnector()
            host.state.withLock { state in
                state.instance = nil
                state.hasFailed = false
            }
            host.reconcile()
        }
        guard let now = try snapshot().connectors[connector] else { throw HerderError(.notFound, "Connector \(connector) not found") }
        return (isNew, info(connector, now))
    }

    /// Finds anew what a configuration that was stored before this start is warned of. Beside the start, which does not wait for it.
    func warnAgain(_ connector: Name) {
        let host = host(connector)
        host.lane.async { [self] in
            guard let config = try? entry(connector, orElse: "").config, let plugin = try? validator.plugin(config),
                let report = try? report(plugin, config), (try? entry(connector, orElse: ""))?.config == config
            else { return }
            host.state.withLock { if $0.warnings.isEmpty { $0.warnings = report.problems.filter(\.isWarning) } }
        }
    }

    public func remove(_ connector: Name) throws(HerderError) {
        try write { () throws(HerderError) in
            _ = try entry(connector, orElse: "Connector \(connector) not found")
            try stored { () throws(LogError) in try configs.removeConnector(connector) }
        }
        guard let host = knownHost(connector) else { return }
        host.state.withLock { $0.isRemoved = true }
        statuses.remove(connector: connector)
        _ = host.lane.sync(milliseconds: Self.requestMilliseconds) { host.reconcile() }
        forgetHost(connector)
    }

    public func validate(plugin name: String, _ config: ConfigMap) throws(HerderError) -> ConfigReport {
        let plugin = try validator.plugin(config)
        let asked = parts.catalogue.find(name, { $0 == .source || $0 == .sink })
        if asked?.className != plugin.className {
            throw HerderError(
                .badRequest, "Included connector type \(config.text("connector.class") ?? "") does not match request type \(name)")
        }
        var restored = config
        if let named = config.text("name"), let before = try snapshot().connectors[Name(named)] {
            restored = try HiddenSecrets(validator.definition(plugin, config)).restore(config, from: before.config)
        }
        return try report(plugin, restored)
    }

    private func report(_ plugin: Plugin, _ config: ConfigMap) throws(HerderError) -> ConfigReport {
        do {
            return try pool.run("validating a configuration of \(plugin.className)", milliseconds: Self.requestMilliseconds) { [validator] in
                validator.report(plugin, config)
            }
        } catch {
            let error = ConnectError(error)
            throw HerderError(error.code == "worker.call_timeout" ? .timeout : .internalError, "Request timed out. \(error.message)")
        }
    }

    func secrets(_ config: ConfigMap) -> HiddenSecrets {
        guard let plugin = try? validator.plugin(config) else { return HiddenSecrets(ConfigDefinition()) }
        return HiddenSecrets(validator.definition(plugin, config))
    }

    func info(_ connector: Name, _ entry: ConfigSnapshot.Entry) -> ConnectorInfo {
        ConnectorInfo(
            name: connector, config: secrets(entry.config).hide(entry.config), tasks: Array((entry.tasks?.configs ?? []).indices), type: type(entry.config))
    }

    func type(_ config: ConfigMap) -> ConnectorType {
        guard let plugin = try? validator.plugin(config) else { return .unknown }
        return plugin.kind == .sink ? .sink : .source
    }
}
