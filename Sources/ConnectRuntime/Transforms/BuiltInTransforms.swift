/// The transforms that come with connectd, under Kafka's class names. A new one is a file and a line here.
public enum BuiltInTransforms {
    public static let plugins: [Plugin] =
        halves("InsertField", InsertFieldSettings.definition, "Adds fields with the record's topic, partition, offset or timestamp, or a fixed text.") { InsertField($0) }
        + halves("ReplaceField", ReplaceFieldSettings.definition, "Drops and renames fields.") { ReplaceField($0) }
        + [
            whole("RegexRouter", RegexRouterSettings.definition, "Renames the topic by a regular expression.") { RegexRouter() },
            whole("Filter", ConfigDefinition(), "Drops every record that it is applied to; use it with a predicate.") { Filter() },
        ]

    /// A transform with a variant for keys and one for values.
    private static func halves(
        _ name: String, _ definition: ConfigDefinition, _ summary: String, _ make: @escaping @Sendable (RecordPart) -> any Transform
    ) -> [Plugin] {
        RecordPart.allCases.map { part in whole("\(name)$\(part.rawValue)", definition, summary) { make(part) } }
    }

    private static func whole(
        _ name: String, _ definition: ConfigDefinition, _ summary: String, _ make: @escaping @Sendable () -> any Transform
    ) -> Plugin {
        Plugin([Name("org.apache.kafka.connect.transforms.\(name)")], version: BuiltIn.version, definition: definition, summary: summary, factory: .transform(make))
    }
}

/// The predicates that come with connectd, under Kafka's class names.
public enum BuiltInPredicates {
    public static let plugins: [Plugin] = [
        predicate("HasHeaderKey", ConfigDefinition().group(nil, HasHeaderKey.nameSetting), "True for records with a header of that name.") { HasHeaderKey() },
        predicate("RecordIsTombstone", ConfigDefinition(), "True for records without value.") { RecordIsTombstone() },
        predicate("TopicNameMatches", ConfigDefinition().group(nil, TopicNameMatches.patternSetting), "True for records of topics whose whole name matches.") {
            TopicNameMatches()
        },
    ]

    private static func predicate(
        _ name: String, _ definition: ConfigDefinition, _ summary: String, _ make: @escaping @Sendable () -> any Predicate
    ) -> Plugin {
        Plugin(
            [Name("org.apache.kafka.connect.transforms.predicates.\(name)")], version: BuiltIn.version, definition: definition, summary: summary,
            factory: .predicate(make))
    }
}
