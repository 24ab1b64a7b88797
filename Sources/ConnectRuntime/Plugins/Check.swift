/// How a connector is asked to look at the system its settings name: by `connectd validate` and `connectd doctor`.
public struct CheckRequest: Sendable {
    public enum Depth: Sendable {
        /// What would keep the connector from starting or from doing its work.
        case start
        /// That, and what costs something, or will.
        case thorough
    }

    public let connector: Name
    /// Parsed by the connector's own definition.
    public let config: Config
    public let depth: Depth
    /// From which age on a transaction, or a reader that is away, is worth a word, in milliseconds.
    public let longMilliseconds: Int
    /// Whether a store that can check itself, at the cost of reading all of it, shall do so.
    public let checksIntegrity: Bool
    /// What the sources that were looked at before would capture; a source adds its own by ``captures(_:)``.
    public let captured: CapturedTables
    /// Where records of a topic may go behind the connector's own transforms, as far as topics alone tell.
    public let topics: @Sendable (Name) -> Set<Name>

    public static let defaultLongMilliseconds = 60_000

    public init(
        connector: Name, config: Config, depth: Depth = .start, longMilliseconds: Int = CheckRequest.defaultLongMilliseconds, checksIntegrity: Bool = false,
        captured: CapturedTables = CapturedTables(), topics: @escaping @Sendable (Name) -> Set<Name> = { [$0] }
    ) {
        self.connector = connector
        self.config = config
        self.depth = depth
        self.longMilliseconds = longMilliseconds
        self.checksIntegrity = checksIntegrity
        self.captured = captured
        self.topics = topics
    }

    /// Tells the sinks that are looked at later which tables this source would capture; topics as they are before transforms.
    public func captures(_ tables: [CapturedTable]) {
        captured.set(tables.flatMap { table in topics(table.topic).sorted().map { table.of(connector, to: $0) } }, connector: connector, task: 0, epoch: 0)
    }

    /// The same for a connector that does the work of this one, under its own configuration.
    public func with(_ config: Config) -> CheckRequest {
        CheckRequest(
            connector: connector, config: config, depth: depth, longMilliseconds: longMilliseconds, checksIntegrity: checksIntegrity, captured: captured, topics: topics)
    }
}

/// One thing that a connector found when it looked at its system: good, doubtful or wrong, with what it costs and what mends it.
public struct CheckFinding: Sendable, Hashable {
    public enum Severity: String, Sendable { case ok, warning, error }

    /// Whose an error is; it decides the exit code, and whether the connector could start later all the same.
    public enum Cause: Sendable {
        /// What was asked for cannot be, as the configuration and the system stand.
        case asked
        /// The system refuses us: a login, a right.
        case refused
        /// The system does not answer, or not now: no error where nobody asked that it must.
        case unreachable
    }

    /// A stable dotted word to search for, as errors have.
    public let code: String
    public let severity: Severity
    public let cause: Cause
    /// The setting that names what this is about.
    public let setting: Name
    /// One sentence that names the thing and the value. Never holds a password.
    public let message: String
    /// What it costs to leave it so.
    public let cost: String?
    /// What to do, in words.
    public let suggestion: String?
    /// What mends it, in the system's own language, each to be run on its own by whoever may.
    public let statements: [String]

    public init(
        _ severity: Severity, _ code: String, _ setting: Name, _ message: String, cost: String? = nil, suggestion: String? = nil, statements: [String] = [],
        cause: Cause = .asked
    ) {
        self.severity = severity
        self.code = code
        self.setting = setting
        self.message = message
        self.cost = cost
        self.suggestion = suggestion
        self.statements = statements
        self.cause = cause
    }

    /// What an error says. One that may pass by itself is `.unreachable`.
    public init(_ error: ConnectError, _ setting: Name, statements: [String] = [], cause: Cause? = nil) {
        self.init(
            .error, error.code, setting, error.message, suggestion: error.suggestion, statements: statements,
            cause: cause ?? (error.kind == .retriable ? .unreachable : .asked))
    }

    /// The same under another setting: a connector that does another's work knows settings by its own names.
    public func under(_ setting: Name) -> CheckFinding {
        CheckFinding(severity, code, setting, message, cost: cost, suggestion: suggestion, statements: statements, cause: cause)
    }

    public init(_ problem: ConfigProblem) {
        self.init(problem.isWarning ? .warning : .error, problem.code, problem.setting, problem.message, suggestion: problem.suggestion)
    }
}
