import ConnectRuntime
import Glibc

/// Log lines on standard error: for people at a terminal, as JSON for programs.
struct StandardErrorLog: LogHandler {
    enum Format: String, CaseIterable { case text, json }

    let format: Format
    let lowest: Logger.Level

    func isEnabled(_ level: Logger.Level, label: String) -> Bool { level >= lowest }

    func write(_ entry: LogEntry) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let time = Timestamp.text(seconds: Int64(now.tv_sec), milliseconds: now.tv_nsec / 1_000_000)
        let line = format == .json ? json(entry, time) : text(entry, time)
        // One write per line, so that lines of several threads do not mix.
        _ = Terminal.write(STDERR_FILENO, Array((line + "\n").utf8))
    }

    private func text(_ entry: LogEntry, _ time: String) -> String {
        var line = "\(time) \(word(entry.level).uppercased()) \(entry.label): \(entry.message)"
        for (name, value) in entry.metadata { line += " \(name)=\(value)" }
        if let error = entry.error {
            line += "\n    \(error.code): \(error.message)"
            for cause in error.causes { line += "\n    caused by: \(cause)" }
            if let suggestion = error.suggestion { line += "\n    → \(suggestion)" }
        }
        return line
    }

    private func json(_ entry: LogEntry, _ time: String) -> String {
        var members = [
            JSON.Member("ts", .string(time)), JSON.Member("level", .string(word(entry.level))), JSON.Member("msg", .string(entry.message)),
            JSON.Member("logger", .string(entry.label)),
        ]
        members += entry.metadata.map { JSON.Member($0.name, .string($0.value)) }
        if let error = entry.error {
            members.append(JSON.Member("code", .string(error.code)))
            members.append(JSON.Member("err", .string(([error.message] + error.causes.map { "caused by: \($0)" }).joined(separator: "\n"))))
            if let suggestion = error.suggestion { members.append(JSON.Member("suggestion", .string(suggestion))) }
        }
        return JSON.object(members).serializedText
    }

    private func word(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warn"
        case .error: "error"
        }
    }
}

/// RFC 3339 in UTC, to the millisecond.
enum Timestamp {
    static func text(seconds: Int64, milliseconds: Int) -> String {
        var second = time_t(seconds)
        var parts = tm()
        gmtime_r(&second, &parts)
        return pad(Int(parts.tm_year) + 1900, 4) + "-" + pad(Int(parts.tm_mon) + 1, 2) + "-" + pad(Int(parts.tm_mday), 2) + "T"
            + pad(Int(parts.tm_hour), 2) + ":" + pad(Int(parts.tm_min), 2) + ":" + pad(Int(parts.tm_sec), 2) + "." + pad(milliseconds, 3) + "Z"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
