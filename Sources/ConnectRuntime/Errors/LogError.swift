/// An error of a topic log, typed by the caller's next move (the kinds are those of Kafka's transactional producer, KIP-691).
public struct LogError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable {
        /// Nothing happened; the same call may succeed later.
        case retriable
        /// The open transaction is lost: abort it and do its work again.
        case abortable
        /// A newer session with the same id exists: stop, write nothing more, do not retry.
        case fenced
        /// The request names something that is not there or is not allowed: a bug or a configuration, not a state of the log.
        case invalid
        /// The topic or partition does not exist.
        case unknownTopic
        /// The offset asked for is outside what the log holds, or beyond the end of its leader epoch (KIP-320).
        case offsetOutOfRange
        /// What is stored is damaged. Never guess around it.
        case damaged
        /// The log (or this client of it) is unusable until it is opened anew.
        case fatal
    }

    public let kind: Kind
    public let message: String
    public let suggestion: String?

    public init(_ kind: Kind, _ message: String, suggestion: String? = nil) {
        self.kind = kind
        self.message = message
        self.suggestion = suggestion
    }

    public var description: String { "log.\(kind.rawValue): \(message)" + (suggestion.map { "\n\t→ \($0)" } ?? "") }

    /// The same as a ``ConnectError``.
    public var connectError: ConnectError {
        let kind: ConnectError.Kind =
            switch self.kind {
            case .retriable, .abortable: .retriable
            case .fenced: .fenced
            case .invalid, .unknownTopic, .offsetOutOfRange, .damaged, .fatal: .fatal
            }
        return ConnectError(kind, code: "log.\(self.kind.rawValue)", message, suggestion: suggestion)
    }
}
