import ConnectRuntime
import Connectors
import Testing

/// What a connector finds when it looks at the system its settings name, as `validate` and `doctor` ask it.
enum Checks {
    static func findings(
        _ className: String, _ map: ConfigMap, _ depth: CheckRequest.Depth = .start, kind: PluginKind? = nil, longMilliseconds: Int = CheckRequest.defaultLongMilliseconds,
        checksIntegrity: Bool = false
    ) throws -> [CheckFinding] {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(className) { found in kind.map { found == $0 } ?? (found == .source || found == .sink) })
        let (config, problems) = plugin.definition.parse(map)
        try #require(problems.isEmpty, "\(problems)")
        let request = CheckRequest(connector: "looked-at", config: config, depth: depth, longMilliseconds: longMilliseconds, checksIntegrity: checksIntegrity)
        switch plugin.factory {
        case .source(let make): return make().check(request)
        case .sink(let make): return make().check(request)
        default: return []
        }
    }
}

extension [CheckFinding] {
    var troubles: [CheckFinding] { filter { $0.severity != .ok } }
    /// Codes of what is doubtful or wrong.
    var codes: [String] { troubles.map(\.code) }
    func first(_ code: String) -> CheckFinding? { first { $0.code == code } }
}
