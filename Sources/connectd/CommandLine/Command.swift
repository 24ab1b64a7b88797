import ConnectRuntime

/// A command: what it is called, what it takes, what it does. Shaped after swift-argument-parser, and much smaller.
struct Command: Sendable {
    /// Words after the program's name: `topics consume`.
    let name: String
    let summary: String
    /// What stands for the operands in help; empty when it takes none.
    var operands = ""
    var operandRange: ClosedRange<Int> = 0...0
    var options: [Option] = []
    /// Further help: examples, rules.
    var discussion = ""
    let run: @Sendable (Arguments, Terminal) -> ExitCode

    static let help = Option.flag("help", "show this and exit", short: "h")

    func parse(_ words: [String]) throws(UsageError) -> Arguments {
        var arguments = Arguments()
        var index = 0
        var onlyOperands = false
        while index < words.count {
            let word = words[index]
            index += 1
            if onlyOperands || !word.hasPrefix("-") || word == "-" {
                arguments.operands.append(word)
                continue
            }
            if word == "--" {
                onlyOperands = true
                continue
            }
            var name = word, attached: String?
            if word.hasPrefix("--"), let equals = word.utf8.firstIndex(of: UInt8(ascii: "=")) {
                name = String(word[..<equals])
                attached = String(word[word.utf8.index(after: equals)...])
            }
            let option = try find(name)
            if option.value == nil {
                if attached != nil { throw usage("\(name) takes no value") }
                arguments.flags.insert(option.name)
                continue
            }
            guard let value = attached ?? (index < words.count ? words[index] : nil) else {
                throw usage("\(name) needs a value: \(name) \(option.value ?? "")")
            }
            if attached == nil { index += 1 }
            if !option.repeats, arguments.values[option.name] != nil { throw usage("\(name) is given twice") }
            arguments.values[option.name, default: []].append(value)
        }
        if arguments.has("help") { return arguments }
        if arguments.operands.count < operandRange.lowerBound { throw usage("\(operands) is missing") }
        if arguments.operands.count > operandRange.upperBound {
            throw usage("there is one word too many: \"\(arguments.operands[operandRange.upperBound])\"")
        }
        return arguments
    }

    private func find(_ written: String) throws(UsageError) -> Option {
        for option in options + [Command.help] {
            if written == "--" + option.name { return option }
            if let short = option.short, written == "-\(short)" { return option }
        }
        let nearest = Nearest.name(to: Name(written), among: (options + [Command.help]).map { Name("--" + $0.name) })
        throw UsageError(
            message: "connectd \(name) has no option \(written)",
            suggestion: nearest.map { "did you mean \($0)?" } ?? "connectd help \(name) lists its options")
    }

    func usage(_ message: String) -> UsageError { UsageError(message: message, suggestion: "connectd help \(name) shows how it is used") }

    var helpText: String {
        var text = "\(summary)\n\nUsage: connectd \(name)"
        if !operands.isEmpty { text += " \(operands)" }
        if !options.isEmpty { text += " [options]" }
        text += "\n"
        if !options.isEmpty {
            text += "\nOptions:\n"
            let rows = (options + [Command.help]).map { option in
                (left: (option.short.map { "-\($0), " } ?? "    ") + "--\(option.name)" + (option.value.map { " \($0)" } ?? ""), help: option.help)
            }
            let width = rows.map(\.left.count).max() ?? 0
            for row in rows { text += "  \(row.left)\(String(repeating: " ", count: width - row.left.count))  \(row.help)\n" }
        }
        if !discussion.isEmpty { text += "\n\(discussion)\n" }
        return text
    }
}
