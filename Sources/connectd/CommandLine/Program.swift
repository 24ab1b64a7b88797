import ConnectRuntime

/// Finds the command that was meant and runs it.
struct Program: Sendable {
    static let version = "0.1.0"
    let commands: [Command]

    func run(_ words: [String], _ terminal: Terminal) -> ExitCode {
        guard let first = words.first, first != "--help", first != "-h" else {
            terminal.print(overview)
            return .ok
        }
        if first == "help" { return help(Array(words.dropFirst()), terminal) }
        if first == "--version" { return run(["version"], terminal) }
        guard let (command, rest) = find(words) else { return unknown(words, terminal) }
        do throws(UsageError) {
            let arguments = try command.parse(rest)
            if arguments.has("help") {
                terminal.print(command.helpText)
                return .ok
            }
            return command.run(arguments, terminal)
        } catch {
            terminal.tell(Finding("usage", error.message, suggestion: error.suggestion).text(terminal))
            return .invalid
        }
    }

    /// The command with the most words that the line begins with.
    private func find(_ words: [String]) -> (Command, [String])? {
        for count in [2, 1] where words.count >= count {
            let name = words.prefix(count).joined(separator: " ")
            if let command = commands.first(where: { equalBytes($0.name, name) }) { return (command, Array(words.dropFirst(count))) }
        }
        return nil
    }

    private func help(_ words: [String], _ terminal: Terminal) -> ExitCode {
        if words.isEmpty {
            terminal.print(overview)
            return .ok
        }
        if let (command, _) = find(words) {
            terminal.print(command.helpText)
            return .ok
        }
        let group = commands.filter { $0.name.hasPrefix(words[0] + " ") }
        if !group.isEmpty, words.count == 1 {
            terminal.print(list(group))
            return .ok
        }
        return unknown(words, terminal)
    }

    private func unknown(_ words: [String], _ terminal: Terminal) -> ExitCode {
        let group = commands.filter { $0.name.hasPrefix(words[0] + " ") }
        let names = (group.isEmpty ? commands : group).map(\.name)
        let written = group.isEmpty ? words[0] : words.prefix(2).joined(separator: " ")
        let nearest = Nearest.name(to: Name(written), among: names.map { Name($0) })
        let message = !group.isEmpty && words.count == 1 ? "connectd \(words[0]) needs to be told what to do" : "there is no command \"\(written)\""
        terminal.tell(
            Finding(
                "usage", message,
                suggestion: nearest.map { "did you mean connectd \($0)?" } ?? "commands: " + names.joined(separator: ", ")
            ).text(terminal))
        return .invalid
    }

    private var overview: String {
        "connectd \(Program.version) runs connectors: databases into topics, topics into databases.\n\nUsage: connectd COMMAND\n\n"
            + list(commands) + "\n\nconnectd help COMMAND says more about one. Exit codes: 0 done, 1 failed, 2 invalid, 3 the surroundings refused."
    }

    private func list(_ commands: [Command]) -> String {
        let width = commands.map(\.name.count).max() ?? 0
        return commands.map { "  \($0.name)\(String(repeating: " ", count: width - $0.name.count))  \($0.summary)" }.joined(separator: "\n")
    }
}
