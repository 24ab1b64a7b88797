/// The words of Connect for how a setting is typed, how much it matters and how wide its field is. Raw values stand in REST answers.
public enum SettingType: String, Sendable { case boolean = "BOOLEAN", string = "STRING", int = "INT", short = "SHORT", long = "LONG", double = "DOUBLE", list = "LIST", `class` = "CLASS", password = "PASSWORD" }
public enum Importance: String, Sendable { case high = "HIGH", medium = "MEDIUM", low = "LOW" }
public enum SettingWidth: String, Sendable { case none = "NONE", short = "SHORT", medium = "MEDIUM", long = "LONG" }

/// One declared setting: name, type, default, check, importance, documentation. Parsing, validation, forms and the reference
/// documentation all come from this declaration; make it a `static let` beside the code that reads it.
///
/// `T` is what code gets: `Int`, `String`, `[Name]`, `Secret`, an enum, or an optional of one when there is no default.
public struct Setting<T: Sendable>: Sendable {
    public let key: SettingKey
    /// Makes the typed value from the parsed text; `nil` text means absent without default.
    let read: @Sendable (String?) throws(SettingError) -> T

    init(_ key: SettingKey, read: @escaping @Sendable (String?) throws(SettingError) -> T) {
        self.key = key
        self.read = read
    }
    public var name: Name { key.name }
}

/// Why a text is no value of a setting; the setting's name is added by whoever catches it.
public struct SettingError: Error, Sendable {
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// The declaration of a setting without its Swift type: what definitions, documentation and REST work with.
public struct SettingKey: Sendable {
    public let name: Name
    public let type: SettingType
    /// The default as text; `nil` without one. `isRequired` tells whether its absence is an error.
    public internal(set) var defaultText: String?
    public let isRequired: Bool
    public let importance: Importance
    public let documentation: String
    public internal(set) var group: String?
    public internal(set) var order: Int = -1
    public let width: SettingWidth
    public let displayName: String
    /// Other names that mean the same (an older one, another product's). The first that is present wins.
    public let aliases: [Name]
    /// The values that make sense, when they can be listed.
    public let recommended: [String]
    public let dependents: [Name]
    /// Checks type and range of a text.
    let check: @Sendable (String?) throws(SettingError) -> Void

    func renamed(_ name: Name, aliases: [Name]) -> SettingKey {
        SettingKey(
            name: name, type: type, defaultText: defaultText, isRequired: isRequired, importance: importance, documentation: documentation,
            group: group, order: order, width: width, displayName: displayName, aliases: aliases, recommended: recommended,
            dependents: dependents, check: check)
    }
}

/// A value that must never be shown: its description is `[hidden]`, only ``reveal()`` gives it out.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    private let text: String
    public init(_ text: String) { self.text = text }
    public func reveal() -> String { text }
    public static let hidden = "[hidden]"
    public var description: String { Secret.hidden }
    public var debugDescription: String { Secret.hidden }
}

extension Setting {
    /// The general form; the named makers below cover nearly everything.
    ///
    /// - Parameters:
    ///   - defaultText: the default as it would be written; `nil` with `required` false reads as an absent value.
    ///   - parse: text to value; throws a sentence without the setting's name ("must be at least 1").
    ///   - absent: the value when nothing is written and there is no default; `nil` makes the setting required.
    public init(
        _ name: Name, _ type: SettingType, default defaultText: String? = nil, absent: T? = nil,
        importance: Importance = .medium, width: SettingWidth = .medium, displayName: String? = nil,
        aliases: [Name] = [], recommended: [String] = [], dependents: [Name] = [], _ documentation: String,
        parse: @escaping @Sendable (String) throws(SettingError) -> T
    ) {
        let read: @Sendable (String?) throws(SettingError) -> T = { (text: String?) throws(SettingError) -> T in
            if let text { return try parse(text) }
            if let absent { return absent }
            throw SettingError("is missing and has no default")
        }
        self.init(
            SettingKey(
                name: name, type: type, defaultText: defaultText, isRequired: defaultText == nil && absent == nil,
                importance: importance, documentation: documentation, width: width,
                displayName: displayName ?? name.text, aliases: aliases, recommended: recommended, dependents: dependents,
                check: { (text: String?) throws(SettingError) in _ = try read(text) }),
            read: read)
    }
}
