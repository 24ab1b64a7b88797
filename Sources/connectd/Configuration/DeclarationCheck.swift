import ConnectRuntime

/// Looks at everything that files declare before anything starts.
struct DeclarationCheck {
    private let validator: ConfigValidator
    private let catalogue: PluginCatalogue

    init(catalogue: PluginCatalogue, environment: Environment) {
        self.catalogue = catalogue
        validator = ConfigValidator(catalogue: catalogue, references: ReferenceResolver(environment))
    }

    /// What is wrong or doubtful with a connector. A setting nobody knows is an error here, though REST only warns of it (D13).
    func findings(_ connector: DeclaredConnector) -> [Finding] {
        let plugin: Plugin
        do throws(HerderError) {
            plugin = try validator.plugin(connector.config)
        } catch {
            return [classFinding(connector, error)]
        }
        var seen: Set<String> = []
        return validator.report(plugin, connector.config).problems.compactMap { problem in
            // The same sentence stands at each of several settings in a REST answer; here once is enough.
            guard seen.insert(problem.message).inserted else { return nil }
            let isWarning = problem.isWarning && problem.code != "config.unknown_key"
            return connector.finding(
                ConfigProblem(problem.code, problem.setting, problem.message, suggestion: problem.suggestion, isWarning: isWarning))
        }
    }

    /// How outside systems are looked at.
    struct Look: Sendable {
        var depth = CheckRequest.Depth.start
        /// Whether a system that does not answer is an error.
        var mustAnswer = false
        var longMilliseconds = CheckRequest.defaultLongMilliseconds
        var checksIntegrity = false
        /// What sources would capture, for the sinks that are looked at after them.
        let captured = CapturedTables()
        /// After this a look is given up.
        var milliseconds = 10_000
    }

    /// What the connector itself finds when it looks at the files and systems its settings name; only where ``findings(_:)`` has no errors.
    /// Bounded: a look that takes too long is given up, and that is said.
    func outsideFindings(_ connector: DeclaredConnector, _ look: Look, _ pool: CallPool) -> [Finding] {
        let validator = validator, config = connector.config, name = connector.name
        var definition = ConfigDefinition()
        do {
            let plugin = try validator.plugin(config)
            definition = validator.definition(plugin, config)
            let found = try pool.run("checking what \(name) reaches", milliseconds: look.milliseconds) {
                try validator.outside(plugin, config) { config, topics in
                    CheckRequest(
                        connector: name, config: config, depth: look.depth, longMilliseconds: look.longMilliseconds, checksIntegrity: look.checksIntegrity,
                        captured: look.captured, topics: topics)
                }
            }
            return found.map { connector.finding($0, definition, mustAnswer: look.mustAnswer) }
        } catch {
            return [connector.finding(CheckFinding(ConnectError(error), "connector.class", cause: .unreachable), definition, mustAnswer: look.mustAnswer)]
        }
    }

    func isSource(_ connector: DeclaredConnector) -> Bool { (try? validator.plugin(connector.config))?.kind == .source }

    private func classFinding(_ connector: DeclaredConnector, _ error: HerderError) -> Finding {
        let known = catalogue.plugins.filter { $0.kind == .source || $0.kind == .sink }
        guard let written = connector.config.text("connector.class") else {
            return connector.finding(
                ConfigProblem(
                    "config.missing", "connector.class", "the connector \"\(connector.name)\" does not say what it is",
                    suggestion: "add \"connector.class\": one of " + known.map(\.className.text).joined(separator: ", ")))
        }
        let nearest = Nearest.name(to: Name(written), among: known.flatMap(\.classNames))
        return connector.finding(
            ConfigProblem(
                "config.unknown_class", "connector.class", "there is no connector class \"\(written)\"",
                suggestion: nearest.map { "did you mean \"\($0)\"?" } ?? "classes: " + known.map(\.className.text).joined(separator: ", ")))
    }

    /// What is wrong with worker settings somebody wrote for us, in a file's `"worker"` or with `--set`.
    static func findings(worker: Declarations, set: [(name: Name, value: String)]) -> [Finding] {
        var findings: [Finding] = []
        func check(_ name: Name, _ value: String?, _ place: Finding.Place?, _ pointer: String?) {
            if WorkerOptions.ownKeys.contains(name) { return }
            let map = ConfigMap([ConfigMap.Entry(name, value)])
            for warning in WorkerSettings.warnings(map) {
                findings.append(
                    Finding(warning.code, at: place, pointer: pointer, warning.message, suggestion: warning.suggestion ?? "remove it"))
            }
            let problems = WorkerSettings.definition.parse(map).problems.filter { $0.setting == name }
            findings += problems.map { Finding($0.code, at: place, pointer: pointer, $0.message, suggestion: $0.suggestion) }
        }
        for entry in worker.worker { check(entry.name, entry.value, entry.place, entry.pointer) }
        for (name, value) in set { check(name, value, nil, nil) }
        return findings
    }
}
