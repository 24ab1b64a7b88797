/// What is wrong across settings, and which settings nobody knows.
extension ConfigValidator {
    func crossField(_ plugin: Plugin, _ map: ConfigMap) -> [ConfigProblem] {
        var problems = ClientOverrides.problems(map, isSink: plugin.kind == .sink)
        if let tasks = map.text("tasks.max"), Int32(tasks.trimmedASCII) == nil {
            problems.append(ConfigProblem("config.invalid_value", "tasks.max", "Invalid value null for configuration tasks.max: Value must be non-null"))
        }
        let tolerates = map.text("errors.tolerance") == "all"
        if plugin.kind == .source {
            if tolerates { problems.append(Self.silentSkips("a source has no dead letter topic")) }
            return problems
        }
        let topics = splitList(map.text("topics") ?? "").filter { !$0.isEmpty }
        let pattern = (map.text("topics.regex") ?? "").trimmedASCII
        let both: [Name] = ["topics", "topics.regex"]
        if topics.isEmpty, pattern.isEmpty {
            problems += both.map { ConfigProblem("config.no_topics", $0, "Must configure one of topics or topics.regex") }
        } else if !topics.isEmpty, !pattern.isEmpty {
            problems += both.map { ConfigProblem("config.topics_twice", $0, "topics and topics.regex are mutually exclusive options, but both are set.") }
        }
        let deadLetters = (map.text("errors.deadletterqueue.topic.name") ?? "").trimmedASCII
        if deadLetters.isEmpty {
            if tolerates { problems.append(Self.silentSkips("no errors.deadletterqueue.topic.name is set")) }
            return problems
        }
        if topics.contains(where: { equalBytes($0, deadLetters) }) {
            problems.append(
                ConfigProblem(
                    "config.dead_letter_loop", "topics",
                    "The DLQ topic '\(deadLetters)' may not be included in the list of topics ('topics=[\(topics.joined(separator: ", "))]') consumed by the connector"))
        }
        if !pattern.isEmpty, let compiled = try? TopicPattern(pattern), compiled.matches(Name(deadLetters)) {
            problems.append(
                ConfigProblem(
                    "config.dead_letter_loop", "topics.regex",
                    "The DLQ topic '\(deadLetters)' may not be included in the regex matching of topics ('topics.regex=\(pattern)') consumed by the connector"))
        }
        if !tolerates {
            problems.append(
                ConfigProblem(
                    "errors.dead_letters_without_tolerance", "errors.tolerance",
                    "a dead letter topic is set, but errors.tolerance is none: the first bad record is written there and the task fails",
                    suggestion: "set errors.tolerance=all to let the others pass", isWarning: true))
        }
        return problems
    }

    /// Skipping without a trace in the data is allowed to whoever asks for it, and said aloud (P4).
    private static func silentSkips(_ why: String) -> ConfigProblem {
        ConfigProblem(
            "errors.skipped_without_dead_letters", "errors.tolerance",
            "errors.tolerance=all passes bad records over, and \(why): they are only counted and logged",
            suggestion: "set errors.deadletterqueue.topic.name on the sink to keep them", isWarning: true)
    }

    func connectorProblems(_ plugin: Plugin, _ config: Config) -> [ConfigProblem] {
        switch plugin.factory {
        case .source(let make):
            let connector = make()
            var problems = connector.validate(config)
            let support = connector.exactlyOnceSupport(config)
            if config.map.text("exactly.once.support")?.lowercased() == "required", support != .supported {
                problems.append(
                    ConfigProblem(
                        "config.exactly_once_unsupported", "exactly.once.support",
                        "The connector \(plugin.className) cannot deliver exactly once with this configuration (it answers \(support.rawValue)).",
                        suggestion: "set exactly.once.support=requested"))
            }
            if config.map.text("transaction.boundary")?.lowercased() == "connector", !connector.canDefineTransactionBoundaries(config) {
                problems.append(
                    ConfigProblem(
                        "config.no_boundaries", "transaction.boundary",
                        "The connector \(plugin.className) does not support connector-defined transaction boundaries with this configuration.",
                        suggestion: "set transaction.boundary=poll"))
            }
            return problems
        case .sink(let make): return make().validate(config)
        case .transform, .predicate, .converter: return []
        }
    }

    /// What the connector finds outside (``SourceConnector/check(_:)``). Blocks as long as the connector does; for configurations whose report
    /// has no errors.
    /// - Parameter request: makes the request from the parsed configuration and where its transforms send a topic's records.
    package func outside(
        _ plugin: Plugin, _ raw: ConfigMap, _ request: (Config, @escaping @Sendable (Name) -> Set<Name>) -> CheckRequest
    ) throws -> [CheckFinding] {
        let map = try references.resolve(raw), catalogue = catalogue
        let request = request(try plugin.definition.parsed(map)) { topic in
            // Made for each question: transforms are one thread's.
            guard let chain = try? TransformChain(map, catalogue: catalogue) else { return [topic] }
            defer { chain.close() }
            return chain.topics(of: topic)
        }
        switch plugin.factory {
        case .source(let make): return make().check(request)
        case .sink(let make): return make().check(request)
        case .transform, .predicate, .converter: return []
        }
    }

    /// Settings that mean nothing here: warnings over REST, errors for the command line (D13).
    func unknown(_ all: ConfigDefinition, _ map: ConfigMap) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for (name, nearest) in all.unknownNames(in: map) {
            let text = name.text
            if Self.foreignPrefixes.contains(where: { text.utf8.starts(with: $0.utf8) }) { continue }
            let isOfWorkersConverter = ["key", "value", "header"].contains { role in
                text.utf8.starts(with: "\(role).converter.".utf8) && (map.text(Name("\(role).converter")).map { catalogue.find($0, { $0 == .converter }) == nil } ?? false)
            }
            if isOfWorkersConverter { continue }
            problems.append(
                ConfigProblem(
                    "config.unknown_key", name, "\(map.text("connector.class") ?? "the connector") has no setting \"\(name)\"",
                    suggestion: nearest.map { "did you mean \"\($0)\"?" }, isWarning: true))
        }
        return problems
    }

    private static let foreignPrefixes = ["producer.override.", "consumer.override.", "admin.override.", "topic.creation."]
}
