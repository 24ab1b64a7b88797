/// The one error of connectd: what happened, where, what the caller does next, and what the reader of the message does next.
public struct ConnectError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the caller's next move is.
    public enum Kind: String, Sendable, Hashable {
        /// May succeed when tried again: the runner backs off inside the task and shows it in the status.
        case retriable
        /// The record (or this bad input) is at fault; others may pass. `errors.tolerance` decides.
        case data
        /// A configuration cannot be used. Nothing was started.
        case configuration
        /// Somebody else owns this work now (a newer epoch). Stop without a trace in the target; never retry.
        case fenced
        /// Stop the task; a person has to act.
        case fatal
    }

    public let kind: Kind
    /// A stable dotted word to search for, e.g. `sink.constraint`.
    public let code: String
    /// One sentence that names the thing and the value. Never holds a password.
    public let message: String
    /// What to do next, when there is something to say.
    public let suggestion: String?
    /// Messages of the errors beneath, nearest first.
    public let causes: [String]

    public init(_ kind: Kind, code: String, _ message: String, suggestion: String? = nil, causes: [String] = []) {
        self.kind = kind
        self.code = code
        self.message = message
        self.suggestion = suggestion
        self.causes = causes
    }

    /// Any error as a ``ConnectError``; one of ours stays as it is, a foreign one becomes `.fatal`.
    public init(_ error: any Error, code: String = "internal.unexpected") {
        if let error = error as? ConnectError {
            self = error
        } else if let error = error as? LogError {
            self = error.connectError
        } else {
            self.init(.fatal, code: code, String(describing: error))
        }
    }

    /// The same error with a sentence of context in front of its message.
    public func context(_ prefix: String) -> ConnectError {
        ConnectError(kind, code: code, "\(prefix): \(message)", suggestion: suggestion, causes: causes)
    }

    public var description: String {
        var text = "\(code): \(message)"
        for cause in causes { text += "\n\tcaused by: \(cause)" }
        if let suggestion { text += "\n\t→ \(suggestion)" }
        return text
    }
}
