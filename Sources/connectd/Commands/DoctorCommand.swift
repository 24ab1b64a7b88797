import ConnectRuntime

/// `connectd doctor`: looks closely at the systems that files of connectors name, and says what it found, what it costs and what mends it.
enum DoctorCommand {
    /// A look at a system takes no longer.
    private static let lookMilliseconds = 120_000

    static func command(_ environment: Environment, _ catalogue: @escaping @Sendable () -> PluginCatalogue) -> Command {
        Command(
            name: "doctor", summary: "examine the databases and endpoints that connectors use", operands: "FILE|FOLDER…", operandRange: 1...1_000,
            options: [
                .value("long", "SECONDS", "from which age on open transactions and readers that are away are worth a word (60)"),
                .flag("integrity", "let SQLite files check themselves, which reads all of them"),
            ] + OutputFormat.options,
            discussion: "Tables, rights, keys, triggers, sequences, settings of the log, open transactions, what waits to be delivered: what was found, what it\n"
                + "costs, and the SQL that mends it. Nothing is ever changed. Exit codes: 0 no errors (warnings there may be), 2 something cannot work as it\n"
                + "stands, 3 only that a system does not answer or refuses."
        ) { arguments, terminal in
            Failure.caught(terminal) {
                let format = try OutputFormat(arguments)
                var look = DeclarationCheck.Look(depth: .thorough, mustAnswer: true, milliseconds: lookMilliseconds)
                look.checksIntegrity = arguments.has("integrity")
                if let text = arguments.value("long") {
                    guard let seconds = Int(text), (0...31_536_000).contains(seconds) else {
                        throw UsageError(message: "--long is \"\(text)\"", suggestion: "write whole seconds, from 0 up")
                    }
                    look.longMilliseconds = seconds * 1000
                }
                let survey = Survey(arguments.operands, DeclarationCheck(catalogue: catalogue(), environment: environment), look)
                switch format {
                case .json: terminal.print(json(survey).serialized(pretty: true) + [0x0A])
                case .table: table(survey, terminal)
                }
                return survey.exitCode
            }
        }
    }

    private static func table(_ survey: Survey, _ terminal: Terminal) {
        for finding in survey.written { terminal.print(finding.text(terminal)) }
        for looked in survey.connectors {
            terminal.print("\(looked.connector.name)  \(looked.connector.config.text("connector.class") ?? "")")
            for finding in ordered(looked.findings) { terminal.print(finding.text(terminal)) }
            terminal.print("")
        }
        terminal.print(survey.summary(terminal))
        terminal.print(
            survey.findings.allSatisfy { $0.severity == .ok }
                ? "Next: connectd standalone with the same files." : "Behind each \(terminal.arrow) stands what mends it; re-run to see it gone.")
    }

    /// What is well first, what is wrong last, where it is seen.
    private static func ordered(_ findings: [Finding]) -> [Finding] {
        [CheckFinding.Severity.ok, .warning, .error].flatMap { severity in findings.filter { $0.severity == severity } }
    }

    private static func json(_ survey: Survey) -> JSON {
        .object([
            JSON.Member("findings", .array(survey.written.map(\.json))),
            JSON.Member(
                "connectors",
                .array(
                    survey.connectors.map { looked in
                        .object([
                            JSON.Member("name", .string(looked.connector.name.text)), JSON.Member("class", .string(looked.connector.config.text("connector.class") ?? "")),
                            JSON.Member("ok", .boolean(looked.isGood)), JSON.Member("findings", .array(ordered(looked.findings).map(\.json))),
                        ])
                    })),
        ])
    }
}
