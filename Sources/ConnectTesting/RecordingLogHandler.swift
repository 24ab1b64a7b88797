public import ConnectRuntime
internal import Synchronization

/// Keeps log lines for a test to look at.
public final class RecordingLogHandler: LogHandler {
    private let kept = Mutex<[LogEntry]>([])
    public init() {}
    public func isEnabled(_ level: Logger.Level, label: String) -> Bool { true }
    public func write(_ entry: LogEntry) { kept.withLock { $0.append(entry) } }
    public var entries: [LogEntry] { kept.withLock { $0 } }
    public var text: String { entries.map { "\($0.level) \($0.message) \($0.error?.description ?? "")" }.joined(separator: "\n") }
}
