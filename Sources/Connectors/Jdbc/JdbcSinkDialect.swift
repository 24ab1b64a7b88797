internal import ConnectRuntime

/// Another product's JDBC sink: its settings, its defaults, and how they read as ours.
struct JdbcSinkDialect: Sendable {
    /// A setting that changes what is written and that is not ours, with the values that mean what we do.
    struct Refusal: Sendable {
        let name: Name
        let fine: [String]
        let why: String
    }

    let definition: ConfigDefinition
    /// Their names for settings of ours.
    let renamed: KeyValuePairs<Name, Name>
    let refusals: [Refusal]
    let refusedPrefixes: [String]
    let meaningless: [Name]
    let retries: Setting<Int>
    let retryWait: Setting<Int>
    /// What one setting of theirs says about several of ours.
    let adjust: @Sendable (inout ConfigMap) -> Void

    /// The database that a URL names.
    enum Target: Sendable { case postgres, sqlite }

    static func target(of url: String) -> Target? {
        let bytes = url.utf8
        if bytes.starts(with: "jdbc:postgresql:".utf8) || bytes.starts(with: "postgresql:".utf8) || bytes.starts(with: "postgres:".utf8) { return .postgres }
        return bytes.starts(with: "jdbc:sqlite:".utf8) || bytes.starts(with: "sqlite:".utf8) ? .sqlite : nil
    }

    static let url = Setting<String>(
        "connection.url", .string, importance: .high, width: .long, displayName: "Connection URL",
        "`jdbc:postgresql://host:5432/database` or `jdbc:sqlite:PATH`, also without `jdbc:`. Other databases are refused."
    ) { (text: String) throws(SettingError) -> String in
        switch target(of: text) {
        case .postgres: try PostgresConnectionSettings.check(url: text)
        case .sqlite: _ = try SqliteLocation.path(of: text)
        case nil: throw SettingError("names a database that connectd does not write: only jdbc:postgresql: and jdbc:sqlite: are")
        }
        return text
    }

    /// Ours, under another product's names.
    func translated(_ config: Config) throws -> (target: Target, map: ConfigMap) {
        guard let target = JdbcSinkDialect.target(of: try config.value(JdbcSinkDialect.url)) else {
            throw ConnectError(.configuration, code: "config.invalid_value", "connection.url names a database that connectd does not write")
        }
        var map = config.map
        // What is left unwritten has their default, not ours.
        for key in definition.keys where map.text(key.name) == nil {
            let written = key.aliases.lazy.compactMap { map.text($0) }.first
            if let text = written ?? key.defaultText { map[key.name] = .some(text) }
        }
        for (theirs, ours) in renamed { if let text = map.text(theirs) { map[ours] = .some(text) } }
        adjust(&map)
        return (target, map)
    }

    /// What is accepted without effect, and what cannot be honoured.
    func problems(_ config: Config) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for entry in config.map.entries {
            let name = entry.name
            if meaningless.contains(name) {
                problems.append(ConfigProblem("config.no_effect", name, "\(name) has no effect here", suggestion: "it may stay", isWarning: true))
            }
            guard let value = entry.value else { continue }
            if let refusal = refusals.first(where: { $0.name == name }), !refusal.fine.contains(where: { equalBytes($0, value.trimmedASCII.asciiLowercased) }) {
                problems.append(ConfigProblem("config.unsupported", name, "\(name)=\(value) cannot be honoured: \(refusal.why)", suggestion: "take it out"))
            } else if refusedPrefixes.contains(where: { name.text.hasPrefix($0) }) {
                problems.append(ConfigProblem("config.unsupported", name, "\(name) cannot be honoured: there is no JDBC driver to give it to", suggestion: "take it out"))
            }
        }
        return problems
    }

    /// Settings that are accepted and do nothing, so that existing configurations run.
    static func ineffective(_ names: [Name]) -> ConfigDefinition {
        names.reduce(ConfigDefinition()) { definition, name in
            definition.group(
                "Accepted without effect",
                Setting<String?>.optionalString(name, importance: .low, displayName: name.text, "Accepted so that existing configurations run; nothing here depends on it."))
        }
    }

    /// Settings with few values that mean what we do.
    static func limited(_ refusals: [Refusal]) -> ConfigDefinition {
        refusals.reduce(ConfigDefinition()) { definition, refusal in
            definition.group(
                "Limited",
                Setting<String?>.optionalString(
                    refusal.name, importance: .low, displayName: refusal.name.text,
                    "Only what means the same here (\(refusal.fine.filter { !$0.isEmpty }.map { "`\($0)`" }.joined(separator: ", "))): \(refusal.why)."))
        }
    }
}
