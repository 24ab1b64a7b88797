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
        let (declarations, unreadable) = ConfigurationFiles.load(paths)
        written = unreadable + DeclarationCheck.findings(worker: declarations, set: [])
        let pool = CallPool(size: 1)
        var found = declarations.connectors.map { check.findings($0) }
        if let look {
            // Sources first: a sink is asked whether it would write into what they capture.
            let order = declarations.connectors.indices.sorted { (check.isSource(declarations.connectors[$0]) ? 0 : 1, $0) < (check.isSource(declarations.connectors[$1]) ? 0 : 1, $1) }
            for index in order where !found[index].contains(where: \.isError) { found[index] += check.outsideFindings(declarations.connectors[index], look, pool) }
        }
        connectors = zip(declarations.connectors, found).map { Looked(connector: $0, findings: $1) }
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
