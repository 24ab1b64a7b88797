/// The settings that every connector has besides its own, in the order, groups and words of Connect's answers.
public enum ConnectorSettings {
    public enum Reload: String, Sendable, CaseIterable { case none, restart }
    public enum TransactionBoundary: String, Sendable, CaseIterable { case poll, interval, connector }
    public enum ExactlyOnce: String, Sendable, CaseIterable { case requested, required }

    public static let name = Setting<String>(
        "name", .string, importance: .high, displayName: "Connector name", "The connector's name, unique in its cluster."
    ) { (text: String) throws(SettingError) -> String in
        if text.isEmpty { throw SettingError("String may not be empty") }
        let controls = text.utf8.filter { $0 < 0x20 || $0 == 0x7F }
        if !controls.isEmpty {
            throw SettingError(
                "String may not contain control sequences but had the following ASCII chars: "
                    + controls.map { String($0) }.joined(separator: ", "))
        }
        return text
    }
    public static let connectorClass = Setting<String>.string(
        "connector.class", importance: .high, width: .long, displayName: "Connector class",
        "What kind of connector this is: the class's full name, its simple name, or that without the suffix Connector.")
    public static let pluginVersion = Setting<String?>.optionalString(
        "connector.plugin.version", width: .medium, displayName: "Connector version", "Which version of the class to run; the built-in one when absent.")
    public static let tasksMaximum = Setting<Int>.int(
        "tasks.max", default: 1, range: 1...Int.max, importance: .high, displayName: "Tasks max",
        "The most tasks to split the work into; a connector may use fewer.")
    public static let tasksMaximumEnforce = Setting<Bool>.boolean(
        "tasks.max.enforce", default: true, importance: .low, displayName: "Enforce tasks max",
        "Whether a connector that splits into more tasks than tasks.max fails instead of being warned of.")
    public static let keyConverter = converter("key", "Key converter class", "How record keys become bytes and back; the worker's when absent.")
    public static let valueConverter = converter("value", "Value converter class", "How record values become bytes and back; the worker's when absent.")
    public static let headerConverter = converter("header", "Header converter class", "How header values become bytes and back; the worker's when absent.")
    public static let transforms = aliases("transforms", "Transforms", "Names for the transforms to apply, in this order; each has its settings under transforms.<name>.")
    public static let predicates = aliases("predicates", "Predicates", "Names for predicates that transforms may refer to; each has its settings under predicates.<name>.")
    public static let reload = Setting<Reload>.choice(
        "config.action.reload", default: .restart, importance: .low, displayName: "Reload Action",
        "What to do when a value taken from a configuration provider expires.")

    public static let retryTimeout = Setting<Int>.int(
        "errors.retry.timeout", default: 0, range: -1...Int.max, type: .long, width: .medium, displayName: "Retry Timeout for Errors",
        "How many milliseconds to try a failed conversion or transform again; -1 for ever.")
    public static let retryDelayMaximum = Setting<Int>.int(
        "errors.retry.delay.max.ms", default: 60_000, range: 0...Int.max, type: .long, width: .medium,
        displayName: "Maximum Delay Between Retries for Errors", "The longest wait between two tries, in milliseconds.")
    static let tolerance = Setting<ErrorPolicy.Tolerance>.choice(
        "errors.tolerance", default: ErrorPolicy.Tolerance.none, width: .short, displayName: "Error Tolerance",
        "none: the first bad record fails the task. all: bad records are passed over (and dead-lettered, where a topic is set).")
    public static let logErrors = Setting<Bool>.boolean(
        "errors.log.enable", default: false, displayName: "Log Errors", "Whether every failed record is logged, also when it is tolerated.")
    public static let logMessages = Setting<Bool>.boolean(
        "errors.log.include.messages", default: false, displayName: "Log Error Details",
        "Whether that log line tells where the record stands (never its key or value).")

    public static let topics = Setting<[String]>.list(
        "topics", importance: .high, displayName: "Topics", "The topics to consume, separated by commas.")
    public static let topicsRegex = Setting<String>(
        "topics.regex", .string, default: "", importance: .high, width: .long, displayName: "Topics regex",
        "A regular expression that matches the whole name of every topic to consume; new topics join by themselves."
    ) { (text: String) throws(SettingError) -> String in
        if !text.isEmpty { try TopicPattern.check(text) }
        return text
    }
    public static let deadLetterTopic = Setting<String>.string(
        "errors.deadletterqueue.topic.name", default: "", displayName: "Dead Letter Queue Topic Name",
        "The topic that gets records which failed, as they were consumed; empty for none.")
    public static let deadLetterReplication = Setting<Int>.int(
        "errors.deadletterqueue.topic.replication.factor", default: 3, type: .short, width: .medium,
        displayName: "Dead Letter Queue Topic Replication Factor", "With how many replicas that topic is made in a cluster; the embedded log has one.")
    public static let deadLetterHeaders = Setting<Bool>.boolean(
        "errors.deadletterqueue.context.headers.enable", default: false, width: .medium, displayName: "Enable Error Context Headers",
        "Whether dead letters get headers that tell where they come from and why they failed.")

    public static let topicCreationGroups = Setting<[String]>(
        "topic.creation.groups", .list, default: "", importance: .low, width: .long, displayName: "Topic Creation Groups",
        "Names of groups of topics that are created with settings of their own."
    ) { (text: String) throws(SettingError) -> [String] in try uniqueAliases(text) }
    public static let exactlyOnce = Setting<ExactlyOnce>.choice(
        "exactly.once.support", default: .requested, ignoringCase: true, width: .short, displayName: "Exactly once support",
        "required: refuse to run a connector that cannot deliver exactly once.")
    public static let boundary = Setting<TransactionBoundary>.choice(
        "transaction.boundary", default: .poll, ignoringCase: true, width: .short, displayName: "Transaction Boundary",
        "Where transactions end: with each poll, after an interval, or where the connector says.")
    public static let boundaryInterval = Setting<Int?>(
        "transaction.boundary.interval.ms", .long, absent: .some(nil), importance: .low, width: .short,
        displayName: "Transaction boundary interval", "Milliseconds between transaction ends with transaction.boundary=interval; offset.flush.interval.ms when absent."
    ) { (text: String) throws(SettingError) -> Int? in
        guard let value = Int(text.trimmedASCII) else { throw SettingError("Not a number of type LONG") }
        if value < 0 { throw SettingError("Value must be at least 0") }
        return value
    }
    public static let offsetsTopic = Setting<String?>.optionalString(
        "offsets.storage.topic", importance: .low, width: .long, displayName: "Offsets topic", "A topic of its own for this connector's offsets.")

    /// Everything the framework declares for a kind of connector.
    public static func definition(_ kind: PluginKind) -> ConfigDefinition {
        let common = ConfigDefinition()
            .group("Common", name, connectorClass, pluginVersion, tasksMaximum, tasksMaximumEnforce)
            .group("Common", keyConverter, keyConverterVersion, valueConverter, valueConverterVersion, headerConverter, headerConverterVersion)
            .group("Transforms", order: 12, transforms).group("Predicates", order: 13, predicates).group("Common", order: 14, reload)
            .group("Error Handling", retryTimeout, retryDelayMaximum, tolerance, logErrors, logMessages)
        if kind == .sink {
            return
                common
                .group("Common", order: 4, topics).group("Common", order: 4, topicsRegex)
                .group("Error Handling", order: 6, deadLetterTopic, deadLetterReplication, deadLetterHeaders)
        }
        return
            common
            .group("Topic Creation", topicCreationGroups)
            .group("Exactly Once Support", order: 2, exactlyOnce, boundary, boundaryInterval)
            .group("offsets.topic", offsetsTopic)
    }

    static let keyConverterVersion = version("key.converter", "Key converter version")
    static let valueConverterVersion = version("value.converter", "Value converter version")
    static let headerConverterVersion = version("header.converter", "Header converter version")

    static func errorPolicy(_ config: Config, kind: PluginKind) throws -> ErrorPolicy {
        var policy = ErrorPolicy(
            retryTimeoutMilliseconds: try config.value(retryTimeout), longestDelayMilliseconds: try config.value(retryDelayMaximum),
            tolerance: try config.value(tolerance), logsErrors: try config.value(logErrors), logsCoordinates: try config.value(logMessages))
        if kind == .sink {
            let topic = try config.value(deadLetterTopic).trimmedASCII
            policy.deadLetterTopic = topic.isEmpty ? nil : Name(topic)
            policy.addsContextHeaders = try config.value(deadLetterHeaders)
        }
        return policy
    }

    private static func converter(_ role: String, _ display: String, _ documentation: String) -> Setting<String?> {
        Setting(
            Name("\(role).converter"), .class, absent: .some(nil), importance: .low, width: .short, displayName: display, documentation
        ) { (text: String) throws(SettingError) -> String? in text.trimmedASCII }
    }

    private static func version(_ of: String, _ display: String) -> Setting<String?> {
        Setting<String?>.optionalString(Name("\(of).plugin.version"), width: .medium, displayName: display, "Which version of that class to run; the built-in one when absent.")
    }

    private static func aliases(_ name: Name, _ display: String, _ documentation: String) -> Setting<[String]> {
        Setting(name, .list, default: "", importance: .low, width: .long, displayName: display, documentation) {
            (text: String) throws(SettingError) -> [String] in try uniqueAliases(text)
        }
    }

    private static func uniqueAliases(_ text: String) throws(SettingError) -> [String] {
        let aliases = splitList(text)
        if Set(aliases.map { Name($0) }).count != aliases.count { throw SettingError("Duplicate alias provided.") }
        return aliases
    }
}
