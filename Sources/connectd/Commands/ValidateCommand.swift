import ConnectRuntime

/// `connectd validate`: everything that can be known to be wrong before anything starts, also by a look at the files that are named.
enum ValidateCommand {
    static func command(_ environment: Environment, _ catalogue: @escaping @Sendable () -> PluginCatalogue) -> Command {
        Command(
            name: "validate", summary: "check files of connectors without starting anything", operands: "FILE|FOLDER…", operandRange: 1...1_000,
            options: OutputFormat.options
        ) { arguments, terminal in
            Failure.caught(terminal) {
                let format = try OutputFormat(arguments)
                let (declarations, written) = ConfigurationFiles.load(arguments.operands)
                let check = DeclarationCheck(catalogue: catalogue(), environment: environment)
                var findings = written + DeclarationCheck.findings(worker: declarations, set: [])
                let pool = CallPool(size: 1)
                var good: [DeclaredConnector] = []
                for connector in declarations.connectors {
                    var own = check.findings(connector)
                    if !own.contains(where: { !$0.isWarning }) { own += check.outsideFindings(connector, pool) }
                    findings += own
                    if !own.contains(where: { !$0.isWarning }) { good.append(connector) }
                }
                let errors = findings.filter { !$0.isWarning }.count
                switch format {
                case .json: terminal.print(json(declarations, findings, good.count).serialized(pretty: true) + [0x0A])
                case .table: table(declarations, findings, good, terminal)
                }
                return errors == 0 ? .ok : .invalid
            }
        }
    }

    private static func table(_ declarations: Declarations, _ findings: [Finding], _ good: [DeclaredConnector], _ terminal: Terminal) {
        for connector in good { terminal.print("\(terminal.check) \(connector.name)  \(connector.config.text("connector.class") ?? "")") }
        for finding in findings { terminal.print(finding.text(terminal)) }
        let errors = findings.filter { !$0.isWarning }.count
        var parts = [count(declarations.connectors.count, "connector"), "\(good.count) ok"]
        if errors < findings.count { parts.append(count(findings.count - errors, "warning")) }
        parts.append(count(errors, "problem"))
        terminal.print("Summary: " + parts.joined(separator: " \(terminal.dot) "))
        terminal.print(errors == 0 ? "Next: connectd standalone with the same files." : "Fix the \(terminal.cross == "✗" ? "✗ items" : "errors") above, then re-run.")
    }

    private static func json(_ declarations: Declarations, _ findings: [Finding], _ good: Int) -> JSON {
        .object([
            JSON.Member("connectors", .integer(Int64(declarations.connectors.count))), JSON.Member("ok", .integer(Int64(good))),
            JSON.Member("findings", .array(findings.map(\.json))),
        ])
    }

    private static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }
}
