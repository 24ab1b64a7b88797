import ConnectRuntime

/// How a worker logs: options that all commands which run one share.
enum LogOptions {
    static let options = [
        Option.value("log-format", "text|json", "how log lines look (text at a terminal, else JSON)"),
        Option.value("log-level", "LEVEL", "the least level that is logged: trace, debug, info, warning or error (info)"),
    ]

    static func logger(_ arguments: Arguments, _ terminal: Terminal, default level: Logger.Level = .info) throws(UsageError) -> Logger {
        var format: StandardErrorLog.Format = terminal.isInteractive ? .text : .json
        if let word = arguments.value("log-format") {
            guard let known = StandardErrorLog.Format(rawValue: word) else {
                throw UsageError(message: "there is no log format \"\(word)\"", suggestion: "write text or json")
            }
            format = known
        }
        var lowest = level
        if let word = arguments.value("log-level")?.lowercased() {
            guard let known = Logger.Level.allCases.first(where: { "\($0)" == (word == "warn" ? "warning" : word) }) else {
                throw UsageError(message: "there is no log level \"\(word)\"", suggestion: "write trace, debug, info, warning or error")
            }
            lowest = known
        }
        return Logger(label: "connectd", handler: StandardErrorLog(format: format, lowest: lowest))
    }
}
