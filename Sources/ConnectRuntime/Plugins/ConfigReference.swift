/// Writes the reference documentation of settings from their declarations, as Markdown: there is no second text to keep in step.
public enum ConfigReference {
    /// One page for all plugins of a catalogue, and whatever groups of settings stand in front of them (the worker's, every connector's).
    /// - Parameter sections: a title, a sentence, and the settings declared under it.
    public static func page(sections: [(title: String, summary: String, definition: ConfigDefinition)], plugins: [Plugin]) -> String {
        var text = "# Configuration reference\n\nGenerated from the declarations in the sources; do not edit. `CONNECTD_UPDATE_DOCS=1 make test` writes it anew.\n"
        for section in sections {
            text += "\n## \(section.title)\n\n\(section.summary)\n\n" + table(section.definition)
        }
        for kind in [PluginKind.source, .sink, .transformation, .predicate, .converter] {
            let ofKind = plugins.filter { $0.kind == kind }
            if ofKind.isEmpty { continue }
            text += "\n# \(title(kind))\n"
            for plugin in ofKind {
                text += "\n## \(plugin.className)\n\n\(plugin.summary)\n"
                let others = plugin.classNames.dropFirst()
                if !others.isEmpty { text += "\nAlso named " + others.map { "`\($0)`" }.joined(separator: ", ") + ".\n" }
                text += plugin.definition.keys.isEmpty ? "\nIt has no settings.\n" : "\n" + table(plugin.definition)
            }
        }
        return text
    }

    static func table(_ definition: ConfigDefinition) -> String {
        var text = ""
        var groups: [String?] = []
        for key in definition.keys where !groups.contains(key.group) { groups.append(key.group) }
        for group in groups {
            if let group, groups.count > 1 { text += "**\(group)**\n\n" }
            text += "| Setting | Type | Default | Importance | What it does |\n|---|---|---|---|---|\n"
            for key in definition.keys where key.group == group { text += row(key) }
            text += "\n"
        }
        return String(text.dropLast())
    }

    private static func row(_ key: SettingKey) -> String {
        var meaning = key.documentation
        if !key.recommended.isEmpty { meaning += " One of " + key.recommended.map { "`\($0)`" }.joined(separator: ", ") + "." }
        if !key.aliases.isEmpty { meaning += " Also written " + key.aliases.map { "`\($0)`" }.joined(separator: ", ") + "." }
        let defaultText = key.isRequired ? "*required*" : key.defaultText.map { $0.isEmpty ? "empty" : "`\($0)`" } ?? "none"
        return "| `\(cell(key.name.text))` | \(key.type.rawValue) | \(cell(defaultText)) | \(key.importance.rawValue) | \(cell(meaning)) |\n"
    }

    /// Text inside a table's cell: no bar and no line end may break it.
    private static func cell(_ text: String) -> String {
        String(
            text.unicodeScalars.reduce(into: "") { result, scalar in
                switch scalar {
                case "|": result += "\\|"
                case "\n", "\r": result += " "
                default: result.unicodeScalars.append(scalar)
                }
            })
    }

    private static func title(_ kind: PluginKind) -> String {
        switch kind {
        case .source: "Source connectors"
        case .sink: "Sink connectors"
        case .transformation: "Transforms"
        case .predicate: "Predicates"
        case .converter, .headerConverter: "Converters"
        }
    }
}
