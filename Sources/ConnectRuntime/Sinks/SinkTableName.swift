/// The format by which a sink names tables: text with `${topic}`, `${source.table}`, `${source.schema}`, `${source.db}`.
///
/// A dot that is written in the format separates schema from table; one in substituted text never does.
public struct SinkTableName: Sendable, Hashable {
    public enum Part: Sendable, Hashable { case text(String), topic, source(Name) }
    /// One list of parts for the table, preceded by one for the schema where the format has a dot.
    public let segments: [[Part]]
    public let written: String

    /// - Throws: ``SettingError`` naming an unknown `${…}`, or more than one dot.
    public init(_ format: String) throws(SettingError) {
        written = format
        var segments: [[Part]] = [[]]
        var text: [UInt8] = []
        var rest = Array(format.utf8)[...]
        func flush() {
            if !text.isEmpty { segments[segments.count - 1].append(.text(String(decoding: text, as: UTF8.self))) }
            text = []
        }
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "$"), rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")) {
                flush()
                let name = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
                switch name {
                case "topic": segments[segments.count - 1].append(.topic)
                case "source.table", "source.schema", "source.db": segments[segments.count - 1].append(.source(Name(name.utf8.dropFirst(7).text)))
                default: throw SettingError("has the unknown placeholder ${\(name)}; known are ${topic}, ${source.table}, ${source.schema}, ${source.db}")
                }
                rest = rest[(end + 1)...]
            } else if byte == UInt8(ascii: ".") {
                flush()
                segments.append([])
            } else {
                text.append(byte)
            }
        }
        flush()
        if segments.contains(where: \.isEmpty) || segments.count > 2 { throw SettingError("must be TABLE or SCHEMA.TABLE") }
        self.segments = segments
    }

    /// Whether it needs a record's source block.
    public var needsSource: Bool {
        segments.joined().contains { part in
            if case .source = part { return true }
            return false
        }
    }

    /// The members of the source block that it names.
    public var sourceMembers: [Name] {
        segments.joined().compactMap { part in
            if case .source(let member) = part { return member }
            return nil
        }
    }

    /// - Parameter source: a member of the record's source block, `nil` when there is none.
    /// - Returns: schema (`nil` when the format has none) and table, or `nil` when a member is missing.
    public func resolve(topic: Name, source: (Name) -> String?) -> (schema: Name?, table: Name)? {
        var resolved: [Name] = []
        for segment in segments {
            var text = ""
            for part in segment {
                switch part {
                case .text(let written): text += written
                case .topic: text += topic.text
                case .source(let member):
                    guard let value = source(member) else { return nil }
                    text += value
                }
            }
            resolved.append(Name(text))
        }
        return (resolved.count > 1 ? resolved[0] : nil, resolved[resolved.count - 1])
    }
}

extension Substring.UTF8View {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
