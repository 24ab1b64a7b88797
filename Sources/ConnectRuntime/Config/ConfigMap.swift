/// A configuration as it was sent: names and texts in their order, nothing added, nothing resolved.
///
/// Values are text (JSON numbers and booleans become theirs); `nil` is an explicit JSON null, which Connect keeps.
public struct ConfigMap: Sendable, Hashable {
    public private(set) var entries: [Entry]
    /// Names that stood more than once in the JSON it was read from, where the last one won; no part of what it says.
    public var repeated: [Name] = []

    public static func == (left: ConfigMap, right: ConfigMap) -> Bool { left.entries == right.entries }
    public func hash(into hasher: inout Hasher) { hasher.combine(entries) }

    public struct Entry: Sendable, Hashable {
        public let name: Name
        public var value: String?
        public init(_ name: Name, _ value: String?) {
            self.name = name
            self.value = value
        }
    }

    public init(_ entries: [Entry] = []) {
        self.entries = []
        for entry in entries { self[entry.name] = .some(entry.value) }
    }

    public init(_ pairs: KeyValuePairs<Name, String>) {
        self.init(pairs.map { Entry($0.key, $0.value) })
    }

    /// `nil`: absent. `.some(nil)`: an explicit null. Setting `nil` removes the entry, setting a value keeps its place.
    public subscript(name: Name) -> String?? {
        get { entries.first { $0.name == name }.map { .some($0.value) } ?? .none }
        set {
            let index = entries.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, .some(let value)): entries[index].value = value
            case (let index?, .none): entries.remove(at: index)
            case (nil, .some(let value)): entries.append(Entry(name, value))
            case (nil, .none): break
            }
        }
    }

    /// The text, `nil` when absent or null.
    public func text(_ name: Name) -> String? { self[name] ?? nil }

    public var names: [Name] { entries.map(\.name) }

    /// The entries under a prefix, the prefix removed: `transforms.a.` → the settings of transform `a`.
    public func subset(prefix: String) -> ConfigMap {
        ConfigMap(
            entries.compactMap { entry in
                let text = entry.name.text
                guard text.utf8.count > prefix.utf8.count, text.utf8.starts(with: prefix.utf8) else { return nil }
                return Entry(Name(String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)), entry.value)
            })
    }

    public var json: JSON {
        .object(entries.map { JSON.Member($0.name.text, $0.value.map { .string($0) } ?? .null) })
    }

    /// From a JSON object as Connect reads one: numbers and booleans become their text, null stays null.
    /// - Throws: ``ConnectError`` of kind `.configuration` that names the member whose value is an object or array.
    public init(json: JSON, of what: String = "the configuration") throws {
        guard case .object(let members) = json else {
            throw ConnectError(.configuration, code: "config.not_an_object", "\(what) must be a JSON object of names and values")
        }
        entries = []
        for member in members {
            let text: String?
            switch member.value {
            case .null: text = nil
            case .string(let value): text = value
            case .number(let value): text = value
            case .boolean(let value): text = value ? "true" : "false"
            case .array, .object:
                throw ConnectError(
                    .configuration, code: "config.not_text",
                    "the value of \"\(member.name)\" in \(what) must be text, a number, a boolean or null",
                    suggestion: "write lists as one text with commas")
            }
            if self[member.name] != nil, !repeated.contains(member.name) { repeated.append(member.name) }
            self[member.name] = .some(text)
        }
    }
}
