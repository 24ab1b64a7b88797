/// Writes log lines; shaped after swift-log, so that it reads familiar and could be swapped for it. A value: pass it on, add metadata.
///
/// Values of records and secrets are never logged; messages are built only when the level is on.
public struct Logger: Sendable {
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case trace, debug, info, warning, error
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public let label: String
    /// `connector`, `task`, `topic`, `partition`, `offset`, `code`, … in the order they are shown.
    public private(set) var metadata: [(name: String, value: String)]
    private let handler: any LogHandler

    public init(label: String, handler: any LogHandler, metadata: [(name: String, value: String)] = []) {
        self.label = label
        self.handler = handler
        self.metadata = metadata
    }

    public func with(_ name: String, _ value: String) -> Logger {
        var copy = self
        copy.metadata.append((name, value))
        return copy
    }

    public func labelled(_ label: String) -> Logger { Logger(label: label, handler: handler, metadata: metadata) }

    public func log(_ level: Level, _ message: @autoclosure () -> String, error: ConnectError? = nil) {
        guard handler.isEnabled(level, label: label) else { return }
        handler.write(LogEntry(level: level, label: label, message: message(), metadata: metadata, error: error))
    }
    public func debug(_ message: @autoclosure () -> String) { log(.debug, message()) }
    public func info(_ message: @autoclosure () -> String) { log(.info, message()) }
    public func warning(_ message: @autoclosure () -> String, error: ConnectError? = nil) { log(.warning, message(), error: error) }
    public func error(_ message: @autoclosure () -> String, error: ConnectError? = nil) { log(.error, message(), error: error) }

    /// Goes nowhere.
    public static let silent = Logger(label: "silent", handler: SilentLogHandler())
}

public struct LogEntry: Sendable {
    public let level: Logger.Level
    public let label: String
    public let message: String
    public let metadata: [(name: String, value: String)]
    public let error: ConnectError?
}

/// Where log lines go. Thread-safe; must not block for long.
public protocol LogHandler: Sendable {
    func isEnabled(_ level: Logger.Level, label: String) -> Bool
    func write(_ entry: LogEntry)
}

struct SilentLogHandler: LogHandler {
    func isEnabled(_ level: Logger.Level, label: String) -> Bool { false }
    func write(_ entry: LogEntry) {}
}
