import ConnectRuntime

/// Everything that is found about the connectors of files: what is written, and, where asked for, what stands outside.
struct Survey {
    struct Looked {
        let connector: DeclaredConnector
        let findings: [Finding]
        var isGood: Bool { !findings.contains(where: \.isError) }
    }

    /// About the files and the worker's settings.
    let written: [Finding]
    let connectors: [Looked]

    var findings: [Finding] { written + connectors.flatMap(\.findings) }
    var exitCode: ExitCode { ExitCode(findings) }

    /// - Parameter look: `nil` reaches for nothing outside.
    init(_ paths: [String], _ check: DeclarationCheck, _ look: DeclarationCheck.Look?) {
        let (declarations, found) = ConfigurationFiles.load(paths)
        written = found + DeclarationCheck.findings(worker: declarations, set: [])
        let pool = CallPool(size: 1)
        connectors = declarations.connectors.map { connector in
            var own = check.findings(connector)
            if let look, !own.contains(where: \.isError) { own += check.outsideFindings(connector, look, pool) }
            return Looked(connector: connector, findings: own)
        }
    }

    /// What stands last: how many connectors, and what is wrong with them.
    func summary(_ terminal: Terminal) -> String {
        let findings = findings
        let errors = findings.filter(\.isError).count, warnings = findings.filter(\.isWarning).count
        var parts = [Self.count(connectors.count, "connector"), "\(connectors.filter(\.isGood).count) ok"]
        if warnings > 0 { parts.append(Self.count(warnings, "warning")) }
        parts.append(Self.count(errors, "problem"))
        return "Summary: " + parts.joined(separator: " \(terminal.dot) ")
    }

    private static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }
}
