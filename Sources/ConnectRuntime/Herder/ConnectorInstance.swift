/// A connector object in the hands of its host.
///
/// `@unchecked Sendable`: the host's lane lets one call at a time reach it, and an instance whose call was given up is never called again.
final class ConnectorInstance: @unchecked Sendable {
    private enum Kind {
        case source(any SourceConnector)
        case sink(any SinkConnector)
    }
    private let kind: Kind

    init(_ plugin: Plugin) throws {
        switch plugin.factory {
        case .source(let make): kind = .source(make())
        case .sink(let make): kind = .sink(make())
        case .transform, .predicate, .converter:
            throw ConnectError(.configuration, code: "config.not_a_connector", "\(plugin.className) is no connector")
        }
    }

    func start(_ config: Config, context: any ConnectorContext) throws {
        switch kind {
        case .source(let connector): try connector.start(config, context: context)
        case .sink(let connector): try connector.start(config, context: context)
        }
    }

    func taskConfigs(maximum: Int) throws -> [ConfigMap] {
        switch kind {
        case .source(let connector): try connector.taskConfigs(maximum: maximum)
        case .sink(let connector): try connector.taskConfigs(maximum: maximum)
        }
    }

    func stop() {
        switch kind {
        case .source(let connector): connector.stop()
        case .sink(let connector): connector.stop()
        }
    }

    /// Whether a new run of a task may start beside a stuck one.
    func fencesByEpoch(_ config: Config) -> Bool {
        switch kind {
        case .source: true
        case .sink(let connector): connector.fencesByEpoch(config)
        }
    }
}
