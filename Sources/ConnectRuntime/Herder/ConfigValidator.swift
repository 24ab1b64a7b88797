/// Validates a connector's configuration with everything the framework adds: one report, every problem at once.
package struct ConfigValidator {
    let catalogue: PluginCatalogue
    let references: ReferenceResolver

    package init(catalogue: PluginCatalogue, references: ReferenceResolver) {
        self.catalogue = catalogue
        self.references = references
    }

    /// Finds the connector class a configuration names.
    package func plugin(_ map: ConfigMap) throws(HerderError) -> Plugin {
        guard let className = map.text("connector.class"), !className.trimmedASCII.isEmpty else {
            let shown = HiddenSecrets(ConfigDefinition()).hide(map).entries.map { "\($0.name)=\($0.value ?? "null")" }.joined(separator: ", ")
            throw HerderError(.badRequest, "Connector config {\(shown)} contains no connector type")
        }
        if let plugin = catalogue.find(className, { $0 == .source || $0 == .sink }) { return plugin }
        let known = catalogue.plugins.filter { $0.kind == .source || $0.kind == .sink }
        let near = Nearest.name(to: Name(className), among: known.flatMap(\.classNames))
        throw HerderError(
            .badRequest,
            "Failed to find any class that implements Connector and which name matches \(className), available connectors are: "
                + known.map(\.className.text).sorted().joined(separator: ", ") + (near.map { " (did you mean \($0)?)" } ?? ""))
    }

    /// All settings declared for this configuration: the framework's, its plugins' and its transforms', under their full names.
    package func definition(_ plugin: Plugin, _ map: ConfigMap) -> ConfigDefinition {
        sections(plugin, map).reduce(ConfigDefinition()) { $0.merging($1.definition) }
    }

    private struct Section {
        var definition: ConfigDefinition
        /// Keys outside the definition that are still somebody's.
        var prefixes: [String] = []
    }

    private func sections(_ plugin: Plugin, _ map: ConfigMap) -> [Section] {
        var base = ConnectorSettings.definition(plugin.kind)
        let own = plugin.definition
        // A connector that declares a framework's key again replaces it in its place.
        base = base.replacing(own.keys.filter { key in base.key(for: key.name) != nil })
        var sections = [Section(definition: base)]
        for alias in unique(map.text("transforms")) { sections.append(Section(definition: step("transforms", "Transform", alias, map))) }
        for alias in unique(map.text("predicates")) { sections.append(Section(definition: step("predicates", "Predicate", alias, map))) }
        sections.append(Section(definition: own.without(base.keys.map(\.name))))
        for role in ["header", "key", "value"] {
            guard let className = map.text(Name("\(role).converter")), let found = catalogue.find(className, { $0 == .converter }) else { continue }
            sections.append(Section(definition: found.definition.prefixed("\(role).converter.")))
        }
        return sections
    }

    private func unique(_ list: String?) -> [String] {
        var seen: Set<Name> = []
        return splitList(list ?? "").filter { !$0.isEmpty && seen.insert(Name($0)).inserted }
    }

    private func step(_ family: String, _ word: String, _ alias: String, _ map: ConfigMap) -> ConfigDefinition {
        let kind: PluginKind = family == "transforms" ? .transformation : .predicate
        let prefix = "\(family).\(alias).", group = "\(family == "transforms" ? "Transforms" : "Predicates"): \(alias)"
        let catalogue = self.catalogue
        let type = Setting<String>(
            Name(prefix + "type"), .class, importance: .high, width: .long,
            displayName: "\(word == "Transform" ? "Transformation" : word) type for \(alias)",
            recommended: catalogue.plugins.filter { $0.kind == kind }.map(\.className.text), "The class of the \(word.lowercased()) \(alias)."
        ) { (text: String) throws(SettingError) -> String in
            if catalogue.find(text, { $0 == kind }) == nil { throw SettingError("Class \(text) could not be found.") }
            return text
        }
        var inner = catalogue.find(map.text(Name(prefix + "type")) ?? "", { $0 == kind })?.definition ?? ConfigDefinition()
        if kind == .transformation {
            inner = inner.without(["predicate", "negate"]).group(
                nil, Setting<String?>.optionalString("predicate", "The predicate that decides whether the transform is applied to a record."),
                Setting<Bool>.boolean("negate", default: false, "Whether the transform is applied where the predicate does not hold."))
        }
        return ConfigDefinition().group(group, order: 0, type).merging(inner.sortedByImportance().prefixed(prefix).inGroup(group, from: 1))
    }

    package func report(_ plugin: Plugin, _ raw: ConfigMap) -> ConfigReport {
        let map: ConfigMap
        do throws(ConnectError) {
            map = try references.resolve(raw)
        } catch {
            let name = raw.names.first { error.message.hasPrefix("configuration \($0):") } ?? "connector.class"
            let problem = ConfigProblem(error.code, name, error.message, suggestion: error.suggestion)
            return ConfigReport(
                className: raw.text("connector.class") ?? "", groups: [],
                items: [ConfigReport.Item(definition: nil, name: name, value: raw.text(name), errors: [error.message])], problems: [problem])
        }
        let sections = sections(plugin, map)
        let all = sections.reduce(ConfigDefinition()) { $0.merging($1.definition) }
        var (_, problems) = all.parse(map)
        problems += repeated(raw) + nulls(map) + converters(map) + crossField(plugin, map) + unknown(all, map)
        // What only the transforms themselves can tell; what the declarations told already is not said twice.
        for problem in TransformChain.problems(in: map, catalogue: catalogue)
        where !problems.contains(where: { $0.setting == problem.setting && !$0.isWarning }) { problems.append(problem) }
        let own = plugin.definition.parse(map)
        if own.problems.isEmpty { problems += connectorProblems(plugin, own.config) }

        let hidden = HiddenSecrets(all)
        var items: [ConfigReport.Item] = []
        for key in all.keys {
            let names = [key.name] + key.aliases
            let errors = problems.filter { !$0.isWarning && names.contains($0.setting) }
            let written = names.first { map.text($0) != nil }.flatMap { map.text($0) } ?? key.defaultText
            let isParsed = !errors.contains { $0.code == "config.invalid_value" && key.type != .string && key.type != .list && key.type != .class } || key.name == "tasks.max" && Int(written ?? "") != nil
            items.append(
                ConfigReport.Item(
                    definition: key, name: key.name, value: isParsed ? written.map { shown($0, key, hidden) } : nil,
                    errors: errors.map(\.message)))
        }
        let known = Set(all.keys.flatMap { [$0.name] + $0.aliases })
        var strangers: [Name: [String]] = [:]
        for problem in problems where !problem.isWarning && !known.contains(problem.setting) { strangers[problem.setting, default: []].append(problem.message) }
        let front = strangers.keys.sorted().map { name in
            ConfigReport.Item(definition: nil, name: name, value: map.text(name).map { hidden.hide(name, $0) }, errors: strangers[name] ?? [])
        }
        var groups: [String] = []
        for group in all.keys.compactMap(\.group) where !groups.contains(group) { groups.append(group) }
        return ConfigReport(className: raw.text("connector.class") ?? "", groups: groups, items: front + items, problems: problems)
    }

    private func shown(_ text: String, _ key: SettingKey, _ hidden: HiddenSecrets) -> String {
        switch key.type {
        case .password: Secret.hidden
        // Classes of transforms and converters are shown in full.
        case .class: catalogue.find(text, { $0 != .source && $0 != .sink })?.className.text ?? text
        default: hidden.hide(key.name, text)
        }
    }

    /// A file's is refused by its reader; over REST the last one wins, as everywhere, and that is said.
    private func repeated(_ map: ConfigMap) -> [ConfigProblem] {
        map.repeated.map {
            ConfigProblem(
                "json.duplicate_name", $0, "\"\($0)\" stands more than once in the request: the last one counts",
                suggestion: "send each name once", isWarning: true)
        }
    }

    private func nulls(_ map: ConfigMap) -> [ConfigProblem] {
        map.entries.filter { $0.value == nil }.map {
            ConfigProblem("config.null", $0.name, "Null value can not be supplied as the configuration value.", suggestion: "leave \"\($0.name)\" out")
        }
    }

    private func converters(_ map: ConfigMap) -> [ConfigProblem] {
        ["key", "value", "header"].compactMap { role in
            let name = Name("\(role).converter")
            guard let className = map.text(name), catalogue.find(className, { $0 == .converter }) == nil else { return nil }
            return ConfigProblem(
                "config.unknown_class", name, "Invalid value \(className) for configuration \(name): Class \(className) could not be found.",
                suggestion: Nearest.name(to: Name(className), among: catalogue.plugins.filter { $0.kind == .converter }.flatMap(\.classNames)).map { "did you mean \($0)?" })
        }
    }
}
