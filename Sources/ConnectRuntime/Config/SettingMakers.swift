/// The usual shapes of settings. Every maker's last unnamed argument is the sentence that documents it.
extension Setting where T == String {
    /// Text. Without `default` it is required.
    public static func string(
        _ name: Name, default defaultText: String? = nil, allowEmpty: Bool = true, importance: Importance = .medium,
        width: SettingWidth = .medium, displayName: String? = nil, aliases: [Name] = [], recommended: [String] = [],
        _ documentation: String
    ) -> Setting<String> {
        Setting(
            name, .string, default: defaultText, importance: importance, width: width, displayName: displayName, aliases: aliases,
            recommended: recommended, documentation
        ) { (text: String) throws(SettingError) -> String in
            if text.isEmpty, !allowEmpty { throw SettingError("must not be empty") }
            return text
        }
    }
}

extension Setting where T == String? {
    /// Text that may be absent.
    public static func optionalString(
        _ name: Name, importance: Importance = .medium, width: SettingWidth = .medium, displayName: String? = nil,
        aliases: [Name] = [], _ documentation: String
    ) -> Setting<String?> {
        Setting(
            name, .string, absent: .some(nil), importance: importance, width: width, displayName: displayName, aliases: aliases,
            documentation
        ) { (text: String) throws(SettingError) -> String? in text }
    }
}

extension Setting where T == Int {
    /// A whole number in `range`; the wire type is LONG unless told INT or SHORT.
    public static func int(
        _ name: Name, default defaultValue: Int? = nil, range: ClosedRange<Int> = 0...Int.max, type: SettingType = .int,
        importance: Importance = .medium, width: SettingWidth = .short, displayName: String? = nil, aliases: [Name] = [],
        _ documentation: String
    ) -> Setting<Int> {
        Setting(
            name, type, default: defaultValue.map(String.init), importance: importance, width: width, displayName: displayName,
            aliases: aliases, documentation
        ) { (text: String) throws(SettingError) -> Int in
            let limits: ClosedRange<Int> =
                switch type {
                case .short: Int(Int16.min)...Int(Int16.max)
                case .int: Int(Int32.min)...Int(Int32.max)
                default: Int.min...Int.max
                }
            guard let value = Int(text.trimmedASCII), limits.contains(value) else {
                throw SettingError("Not a number of type \(type.rawValue)")
            }
            if value < range.lowerBound { throw SettingError("Value must be at least \(range.lowerBound)") }
            if value > range.upperBound { throw SettingError("Value must be no more than \(range.upperBound)") }
            return value
        }
    }
}

extension Setting where T == Bool {
    public static func boolean(
        _ name: Name, default defaultValue: Bool? = nil, importance: Importance = .medium, width: SettingWidth = .short, displayName: String? = nil,
        aliases: [Name] = [], _ documentation: String
    ) -> Setting<Bool> {
        Setting(
            name, .boolean, default: defaultValue.map { $0 ? "true" : "false" }, importance: importance, width: width,
            displayName: displayName, aliases: aliases, recommended: [], documentation
        ) { (text: String) throws(SettingError) -> Bool in
            switch text.trimmedASCII.lowercased() {
            case "true": return true
            case "false": return false
            default: throw SettingError("Expected value to be either true or false")
            }
        }
    }
}

extension Setting where T == [String] {
    /// A list, written with commas; blanks around items are dropped, an empty text is an empty list.
    public static func list(
        _ name: Name, default defaultText: String? = "", importance: Importance = .medium, width: SettingWidth = .long,
        displayName: String? = nil, aliases: [Name] = [], _ documentation: String
    ) -> Setting<[String]> {
        Setting(
            name, .list, default: defaultText, importance: importance, width: width, displayName: displayName, aliases: aliases,
            documentation
        ) { (text: String) throws(SettingError) -> [String] in splitList(text) }
    }
}

extension Setting where T == Secret? {
    /// A secret that may be absent: never shown anywhere.
    public static func password(
        _ name: Name, importance: Importance = .medium, displayName: String? = nil, aliases: [Name] = [], _ documentation: String
    ) -> Setting<Secret?> {
        Setting(
            name, .password, absent: .some(nil), importance: importance, displayName: displayName, aliases: aliases, documentation
        ) { (text: String) throws(SettingError) -> Secret? in Secret(text) }
    }
}

extension Setting where T: RawRepresentable & CaseIterable, T.RawValue == String {
    /// One of a few words, compared without regard to case where `ignoringCase`.
    public static func choice(
        _ name: Name, default defaultValue: T? = nil, ignoringCase: Bool = false, importance: Importance = .medium,
        width: SettingWidth = .medium, displayName: String? = nil, aliases: [Name] = [], _ documentation: String
    ) -> Setting<T> {
        let words = T.allCases.map(\.rawValue)
        return Setting(
            name, .string, default: defaultValue?.rawValue, importance: importance, width: width, displayName: displayName, aliases: aliases,
            recommended: words, documentation
        ) { (text: String) throws(SettingError) -> T in
            let match = T.allCases.first {
                ignoringCase ? $0.rawValue.lowercased() == text.lowercased() : equalBytes($0.rawValue, text)
            }
            guard let match else { throw SettingError("String must be one of: \(words.joined(separator: ", "))") }
            return match
        }
    }
}

/// Splits a LIST as Connect does: at commas, blanks around items dropped, an empty text gives no items.
public func splitList(_ text: String) -> [String] {
    if text.trimmedASCII.isEmpty { return [] }
    return text.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmedASCII }
}

extension String {
    /// Without ASCII blanks and control characters at both ends, as Java's `trim`.
    public var trimmedASCII: String {
        var bytes = utf8[...]
        while let first = bytes.first, first <= 0x20 { bytes = bytes.dropFirst() }
        while let last = bytes.last, last <= 0x20 { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
