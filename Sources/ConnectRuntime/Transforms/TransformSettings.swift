/// `transforms`, `predicates` and what stands under their prefixes, read into plugins and their parsed settings. Pure: nothing is made here.
enum TransformSettings {
    struct Entry {
        let plugin: Plugin
        let className: String
        let config: Config
        var condition: ConditionEntry?
    }

    struct ConditionEntry {
        let plugin: Plugin
        let className: String
        let config: Config
        let negate: Bool
    }

    /// The problems of ``read(_:_:)`` and of configuring each plugin: some settings are wrong only together.
    static func problems(_ map: ConfigMap, _ catalogue: PluginCatalogue) -> [ConfigProblem] {
        let (entries, problems) = read(map, catalogue)
        guard problems.isEmpty else { return problems }
        var found: [ConfigProblem] = []
        for (alias, entry) in zip(splitList(map.text("transforms") ?? ""), entries) {
            do {
                if case .transform(let make) = entry.plugin.factory {
                    let transform = make()
                    defer { transform.close() }
                    try transform.configure(entry.config)
                }
                if let condition = entry.condition, case .predicate(let make) = condition.plugin.factory {
                    let predicate = make()
                    defer { predicate.close() }
                    try predicate.configure(condition.config)
                }
            } catch {
                let error = ConnectError(error)
                found.append(ConfigProblem(error.code, Name("transforms.\(alias).type"), error.message, suggestion: error.suggestion))
            }
        }
        return found
    }

    static func read(_ map: ConfigMap, _ catalogue: PluginCatalogue) -> (entries: [Entry], problems: [ConfigProblem]) {
        var problems: [ConfigProblem] = []
        var entries: [Entry] = []
        let aliases = splitList(map.text("transforms") ?? "")
        let predicates = splitList(map.text("predicates") ?? "")
        checkNames(aliases, "transforms", &problems)
        checkNames(predicates, "predicates", &problems)
        // A predicate that nobody uses is checked as well, as Connect does.
        var conditions: [Name: (plugin: Plugin, className: String, config: Config)] = [:]
        for alias in predicates {
            let prefix = "predicates.\(alias)."
            conditions[Name(alias)] = plugin(map, prefix, [], catalogue, .predicate, &problems)
        }
        for alias in aliases {
            let prefix = "transforms.\(alias)."
            guard let (plugin, className, config) = plugin(map, prefix, ["predicate", "negate"], catalogue, .transformation, &problems) else { continue }
            var entry = Entry(plugin: plugin, className: className, config: config)
            let negate = negation(map, prefix, &problems)
            if let name = map.text(Name(prefix + "predicate")) {
                if !predicates.contains(where: { equalBytes($0, name) }) {
                    problems.append(
                        ConfigProblem(
                            "config.unknown_predicate", Name(prefix + "predicate"),
                            "Invalid value \(name) for configuration \(prefix)predicate: Unknown predicate \(name); predicates names \(predicates.isEmpty ? "none" : predicates.joined(separator: ", "))",
                            suggestion: "add \(name) to predicates"))
                } else if let condition = conditions[Name(name)] {
                    entry.condition = ConditionEntry(
                        plugin: condition.plugin, className: condition.className, config: condition.config, negate: negate ?? false)
                }
            } else if negate != nil {
                problems.append(
                    ConfigProblem(
                        "config.negate_without_predicate", Name(prefix + "negate"),
                        "Invalid value \(negate == true) for configuration \(prefix)negate: \(prefix)negate needs \(prefix)predicate",
                        suggestion: "set \(prefix)predicate, or remove \(prefix)negate"))
            }
            entries.append(entry)
        }
        return (entries, problems)
    }

    private static func checkNames(_ aliases: [String], _ setting: Name, _ problems: inout [ConfigProblem]) {
        var seen: Set<Name> = []
        for alias in aliases {
            if alias.isEmpty {
                problems.append(ConfigProblem("config.invalid_value", setting, "Invalid value for configuration \(setting): a name in the list is empty"))
            } else if !seen.insert(Name(alias)).inserted {
                problems.append(
                    ConfigProblem(
                        "config.invalid_value", setting, "Invalid value \(alias) for configuration \(setting): Duplicate alias provided.",
                        suggestion: "give each a name of its own"))
            }
        }
    }

    private static func plugin(
        _ map: ConfigMap, _ prefix: String, _ masked: [Name], _ catalogue: PluginCatalogue, _ kind: PluginKind, _ problems: inout [ConfigProblem]
    ) -> (plugin: Plugin, className: String, config: Config)? {
        let setting = Name(prefix + "type")
        guard let className = map.text(setting) else {
            problems.append(
                ConfigProblem("config.missing", setting, "Missing required configuration \"\(setting)\" which has no default value."))
            return nil
        }
        guard let plugin = catalogue.find(className, { $0 == kind }) else {
            let known = catalogue.plugins.filter { $0.kind == kind }.map(\.className)
            problems.append(
                ConfigProblem(
                    "config.unknown_class", setting, "Invalid value \(className) for configuration \(setting): Class \(className) could not be found.",
                    suggestion: Nearest.name(to: Name(className), among: known).map { "did you mean \($0)?" }))
            return nil
        }
        var own = map.subset(prefix: prefix)
        for name in masked { own[name] = .none }
        let (config, wrong) = plugin.definition.parse(own)
        problems.append(
            contentsOf: wrong.map {
                ConfigProblem($0.code, Name(prefix + $0.setting.text), $0.message, suggestion: $0.suggestion, isWarning: $0.isWarning)
            })
        return wrong.contains { !$0.isWarning } ? nil : (plugin, className, config)
    }

    private static func negation(_ map: ConfigMap, _ prefix: String, _ problems: inout [ConfigProblem]) -> Bool? {
        guard let text = map.text(Name(prefix + "negate")) else { return nil }
        switch text.trimmedASCII.lowercased() {
        case "true": return true
        case "false": return false
        default:
            problems.append(
                ConfigProblem(
                    "config.invalid_value", Name(prefix + "negate"),
                    "Invalid value \(text) for configuration \(prefix)negate: Expected value to be either true or false"))
            return nil
        }
    }
}
