/// The settings a plugin declares, in the order in which documentation and forms show them.
public struct ConfigDefinition: Sendable {
    public private(set) var keys: [SettingKey] = []

    public init() {}

    /// Adds settings to a group; `order` within it is their place, counted on from `order` or from what the group has.
    public func group(_ name: String?, order: Int? = nil, _ settings: any DeclaredSetting...) -> ConfigDefinition {
        var copy = self
        var next = order ?? ((copy.keys.filter { $0.group == name }.map(\.order).max() ?? 0) + 1)
        for setting in settings {
            var key = setting.key
            key.group = name
            key.order = next
            next += 1
            copy.keys.append(key)
        }
        return copy
    }

    public func merging(_ other: ConfigDefinition) -> ConfigDefinition {
        var copy = self
        copy.keys.append(contentsOf: other.keys)
        return copy
    }

    /// The same settings with a prefix in front of their names: a transform's or converter's as they stand in a connector's configuration.
    public func prefixed(_ prefix: String) -> ConfigDefinition {
        var copy = self
        copy.keys = keys.map { $0.renamed(Name(prefix + $0.name.text), aliases: $0.aliases.map { Name(prefix + $0.text) }) }
        return copy
    }

    /// All settings in one group, numbered from `first`.
    public func inGroup(_ group: String, from first: Int) -> ConfigDefinition {
        var copy = self
        for index in copy.keys.indices {
            copy.keys[index].group = group
            copy.keys[index].order = first + index
        }
        return copy
    }

    /// Without the settings of these names.
    public func without(_ names: [Name]) -> ConfigDefinition {
        var copy = self
        copy.keys.removeAll { names.contains($0.name) }
        return copy
    }

    /// With other declarations in place of those of the same name.
    public func replacing(_ others: [SettingKey]) -> ConfigDefinition {
        var copy = self
        for other in others { for index in copy.keys.indices where copy.keys[index].name == other.name { copy.keys[index] = other } }
        return copy
    }

    /// Important ones first, then by name: how Connect shows the settings of transforms.
    public func sortedByImportance() -> ConfigDefinition {
        func rank(_ key: SettingKey) -> Int { key.importance == .high ? 0 : key.importance == .medium ? 1 : 2 }
        var copy = self
        copy.keys.sort { (rank($0), $0.name) < (rank($1), $1.name) }
        return copy
    }

    /// The same settings with other defaults: what an alias of another product's class brings along.
    public func defaulting(_ defaults: KeyValuePairs<Name, String>) -> ConfigDefinition {
        var copy = self
        for (name, text) in defaults {
            for index in copy.keys.indices where copy.keys[index].name == name { copy.keys[index].defaultText = text }
        }
        return copy
    }

    /// The key a written name means: itself or by alias.
    public func key(for written: Name) -> SettingKey? {
        keys.first { $0.name == written || $0.aliases.contains(written) }
    }

    /// Parses and checks every declared setting, and reports every problem at once.
    ///
    /// - Parameter map: resolved text (`${…}` replaced).
    /// - Returns: a configuration to read from, and the problems; with problems the configuration must not be used to start anything.
    public func parse(_ map: ConfigMap) -> (config: Config, problems: [ConfigProblem]) {
        var values: [Name: String] = [:]
        var problems: [ConfigProblem] = []
        for key in keys {
            let written = ([key.name] + key.aliases).first { map.text($0) != nil }
            let text = written.flatMap { map.text($0) } ?? key.defaultText
            do throws(SettingError) {
                try key.check(text)
            } catch {
                let isMissing = text == nil
                problems.append(
                    ConfigProblem(
                        isMissing ? "config.missing" : "config.invalid_value", written ?? key.name,
                        isMissing
                            ? "Missing required configuration \"\(key.name)\" which has no default value."
                            : "Invalid value \(Self.shown(text, key.type)) for configuration \(written ?? key.name): \(error.message)"))
            }
            if let text { values[key.name] = text }
        }
        return (Config(map: map, values: values), problems)
    }

    /// A value as Connect's messages write it.
    private static func shown(_ text: String?, _ type: SettingType) -> String {
        switch type {
        case .password: Secret.hidden
        case .list: "[\(splitList(text ?? "").map(URLPassword.hide).joined(separator: ", "))]"
        default: URLPassword.hide(text ?? "null")
        }
    }

    /// The same for a caller that cannot go on with any problem.
    /// - Throws: ``ConnectError`` of kind `.configuration` with one line for each problem that is no warning.
    public func parsed(_ map: ConfigMap) throws(ConnectError) -> Config {
        let (config, problems) = parse(map)
        let errors = problems.filter { !$0.isWarning }
        guard let first = errors.first else { return config }
        throw ConnectError(
            .configuration, code: first.code, errors.map(\.message).joined(separator: "\n"), suggestion: first.suggestion)
    }

    /// Names in `map` that are no declared setting, each with the nearest declared one. Prefixed families are the caller's to leave out.
    public func unknownNames(in map: ConfigMap) -> [(name: Name, nearest: Name?)] {
        map.names.filter { key(for: $0) == nil }.map { name in
            (name, Nearest.name(to: name, among: keys.flatMap { [$0.name] + $0.aliases }))
        }
    }
}

/// A ``Setting`` of any type, so that a group may hold several.
public protocol DeclaredSetting: Sendable {
    var key: SettingKey { get }
}
extension Setting: DeclaredSetting {}

/// One thing that is wrong with a configuration, and the setting to blame.
public struct ConfigProblem: Sendable, Hashable {
    /// e.g. `config.unknown_key`
    public let code: String
    public let setting: Name
    public let message: String
    public let suggestion: String?
    /// A warning lets the connector start.
    public let isWarning: Bool

    public init(_ code: String, _ setting: Name, _ message: String, suggestion: String? = nil, isWarning: Bool = false) {
        self.code = code
        self.setting = setting
        self.message = message
        self.suggestion = suggestion
        self.isWarning = isWarning
    }
}

/// A parsed configuration: typed values of declared settings, and the raw text beneath.
public struct Config: Sendable {
    /// The map it was parsed from, references resolved. May hold secrets: never log it.
    public let map: ConfigMap
    private let values: [Name: String]

    init(map: ConfigMap, values: [Name: String]) {
        self.map = map
        self.values = values
    }

    /// The value of a declared setting, its default when it is absent.
    /// - Throws: ``ConnectError`` of kind `.configuration` when the text is no such value; after ``ConfigDefinition/parse(_:)`` without problems it does not.
    public func value<T>(_ setting: Setting<T>) throws -> T {
        do throws(SettingError) {
            return try setting.read(values[setting.name])
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_value", "configuration \(setting.name): \(error.message)")
        }
    }
}
