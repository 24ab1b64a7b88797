/// Puts references back into task configurations before they are stored: a value equal to a resolved one of the connector's
/// becomes that setting's raw text again, so that no resolved secret is kept.
enum TaskPlaceholders {
    static func restore(_ task: ConfigMap, raw: ConfigMap, resolved: ConfigMap) -> ConfigMap {
        ConfigMap(
            task.entries.map { entry in
                guard let value = entry.value, !value.isEmpty else { return entry }
                for written in raw.entries {
                    guard let text = written.value, let full = resolved.text(written.name), !equalBytes(text, full), equalBytes(full, value) else { continue }
                    return ConfigMap.Entry(entry.name, text)
                }
                return entry
            })
    }
}
