import ConnectRuntime

/// `connectd validate`: everything that can be known to be wrong before anything starts, also by a look at the files and systems that are named.
enum ValidateCommand {
    static func command(_ environment: Environment, _ catalogue: @escaping @Sendable () -> PluginCatalogue) -> Command {
        Command(
            name: "validate", summary: "check files of connectors without starting anything", operands: "FILE|FOLDER…", operandRange: 1...1_000,
            options: [
                .flag("connect", "the systems that are named must answer; says what was found there"),
                .flag("offline", "look at what is written only: reach for no file and no server"),
            ] + OutputFormat.options,
            discussion: "Without either, files and servers that are named are looked at too, and one that does not answer is a warning: it may when the\n"
                + "connector starts. Nothing is ever changed. Exit codes: 0 nothing is wrong, 2 something is, 3 only that a system does not answer or refuses."
        ) { arguments, terminal in
            Failure.caught(terminal) {
                let format = try OutputFormat(arguments)
                let connects = arguments.has("connect")
                if connects, arguments.has("offline") {
                    throw UsageError(message: "--connect and --offline exclude each other", suggestion: "leave one of them out")
                }
                let check = DeclarationCheck(catalogue: catalogue(), environment: environment)
                let look = arguments.has("offline") ? nil : DeclarationCheck.Look(mustAnswer: connects)
                let survey = Survey(arguments.operands, check, look)
                switch format {
                case .json: terminal.print(json(survey, facts: connects).serialized(pretty: true) + [0x0A])
                case .table: table(survey, facts: connects, terminal)
                }
                return survey.exitCode
            }
        }
    }

    private static func table(_ survey: Survey, facts: Bool, _ terminal: Terminal) {
        for looked in survey.connectors where looked.isGood {
            terminal.print("\(terminal.check) \(looked.connector.name)  \(looked.connector.config.text("connector.class") ?? "")")
            if facts { for finding in looked.findings where finding.severity == .ok { terminal.print("    \(finding.message)") } }
        }
        for finding in survey.findings where finding.severity != .ok { terminal.print(finding.text(terminal)) }
        terminal.print(survey.summary(terminal))
        terminal.print(
            survey.exitCode == .ok ? "Next: connectd standalone with the same files." : "Fix the \(terminal.cross == "✗" ? "✗ items" : "errors") above, then re-run.")
    }

    private static func json(_ survey: Survey, facts: Bool) -> JSON {
        .object([
            JSON.Member("connectors", .integer(Int64(survey.connectors.count))), JSON.Member("ok", .integer(Int64(survey.connectors.filter(\.isGood).count))),
            JSON.Member("findings", .array(survey.findings.filter { facts || $0.severity != .ok }.map(\.json))),
        ])
    }
}
