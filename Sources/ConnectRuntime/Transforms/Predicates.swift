/// Connect's `HasHeaderKey`: at least one header has the name.
final class HasHeaderKey: Predicate {
    private var name: Name = ""
    static let nameSetting = Setting<String>.string("name", allowEmpty: false, "The header name.")

    func configure(_ config: Config) throws { name = Name(try config.value(HasHeaderKey.nameSetting)) }
    func test(_ record: Record) throws -> Bool { record.headers.contains { $0.name == name } }
}

/// Connect's `RecordIsTombstone`: the value is null, with a schema or without.
final class RecordIsTombstone: Predicate {
    func configure(_ config: Config) throws {}
    func test(_ record: Record) throws -> Bool { record.value.isNull }
}

/// Connect's `TopicNameMatches`: the whole topic name matches.
final class TopicNameMatches: Predicate {
    private var pattern: RegularExpression?
    private var last: (topic: Name, matches: Bool)?
    static let patternSetting = PatternSetting.required("pattern", allowEmpty: false, "A regular expression that the whole topic name must match.")

    func configure(_ config: Config) throws {
        pattern = try config.value(TopicNameMatches.patternSetting)
        last = nil
    }

    func holds(forTopic topic: Name) -> Bool? { pattern.flatMap { try? $0.matches(topic.text) } }

    func test(_ record: Record) throws -> Bool {
        if let last, last.topic == record.topic { return last.matches }
        guard let pattern else { return false }
        do throws(SettingError) {
            let matches = try pattern.matches(record.topic.text)
            last = (record.topic, matches)
            return matches
        } catch {
            throw DataErrors.invalid("the topic \(record.topic) cannot be told: \(error.message)")
        }
    }
}
