import ConnectREST
import ConnectRuntime

/// How a standalone worker is to run: what its files, its settings and its command line come to.
struct WorkerOptions: Sendable {
    var connectors: [DeclaredConnector]
    var settings: WorkerSettings
    var dataDirectory: String
    var listen: ListenAddress
    /// Names beside addresses under which clients reach it; `nil` when it listens beyond loopback.
    var hosts: [String]?
    /// `nil`: no records are taken over REST.
    var produce: ProduceSettings?

    /// Keys that the doors read themselves.
    static let ownKeys = Set<Name>(["rest.allow.remote", "rest.advertised.host.name"]).union(ProduceSettings.definition.keys.map(\.name))

    /// - Throws: ``FindingsError`` with everything that is wrong, before anything was touched.
    static func make(
        _ arguments: Arguments, declarations: Declarations, catalogue: PluginCatalogue, environment: Environment, terminal: Terminal
    ) throws -> WorkerOptions {
        var findings: [Finding] = []
        let set = try arguments.all("set").map { text throws(UsageError) -> (name: Name, value: String) in
            guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex else {
                throw UsageError(message: "--set is \"\(text)\"", suggestion: "write --set KEY=VALUE")
            }
            return (Name(text[..<equals].description.trimmedASCII), String(text[text.utf8.index(after: equals)...]))
        }
        var map = ConfigMap()
        if let file = arguments.value("worker-config") {
            do throws(ConnectError) {
                let bytes = try FileBytes.read(file, atMost: 1 << 20)
                do {
                    map = try WorkerSettings.parseFile(bytes, of: file)
                } catch {
                    findings.append(Finding(ConnectError(error), at: Finding.Place(file: file)))
                }
            } catch {
                findings.append(Finding(error, at: Finding.Place(file: file)))
            }
            // A worker file of Kafka Connect holds keys that mean nothing here: it is told, not refused.
            for warning in WorkerSettings.warnings(map) where !ownKeys.contains(warning.setting) {
                terminal.tell(
                    Finding(warning.code, at: Finding.Place(file: file), warning.message, suggestion: warning.suggestion, isWarning: true).text(terminal))
            }
        }
        for entry in declarations.worker { map[entry.name] = .some(entry.value) }
        for entry in set { map[entry.name] = .some(entry.value) }
        findings += DeclarationCheck.findings(worker: declarations, set: set)

        let check = DeclarationCheck(catalogue: catalogue, environment: environment)
        for connector in declarations.connectors { findings += check.findings(connector) }
        for warning in findings where warning.isWarning { terminal.tell(warning.text(terminal)) }
        findings.removeAll(where: \.isWarning)
        if !findings.isEmpty { throw FindingsError(findings: findings, exitCode: .invalid) }

        map = try ReferenceResolver(environment).resolve(map)
        let settings = try WorkerSettings(map)
        let produce: ProduceSettings?
        do { produce = try ProduceSettings.read(map) } catch { throw FindingsError(findings: [Finding(ConnectError(error))], exitCode: .invalid) }
        let listen = try listenAddress(arguments.value("listen") ?? settings.listeners.first ?? "127.0.0.1:8083", settings.listeners.count)
        let allowsRemote = arguments.has("allow-remote") || map.text("rest.allow.remote")?.trimmedASCII.lowercased() == "true"
        if !listen.isLoopback, !allowsRemote {
            throw FindingsError(
                findings: [
                    Finding(
                        "rest.not_loopback",
                        "\(listen) can be reached from other machines, and the REST interface asks nobody for a password",
                        suggestion: "listen on 127.0.0.1:\(listen.port), or say that it is meant: --allow-remote (rest.allow.remote=true)")
                ], exitCode: .invalid)
        }
        let advertised = map.text("rest.advertised.host.name").map { [$0.trimmedASCII] } ?? []
        return WorkerOptions(
            connectors: declarations.connectors, settings: settings,
            dataDirectory: arguments.value("data-dir") ?? environment["STATE_DIRECTORY"].map(firstFolder) ?? "./connectd-data", listen: listen,
            hosts: listen.isLoopback ? [listen.host] + advertised : nil, produce: produce)
    }

    private static func listenAddress(_ text: String, _ count: Int) throws -> ListenAddress {
        guard count <= 1, let address = ListenAddress(text) else {
            throw FindingsError(
                findings: [
                    Finding(
                        "rest.address", count > 1 ? "the worker listens on one address, and listeners names \(count)" : "\"\(text)\" is no address to listen on",
                        suggestion: "write HOST:PORT, 127.0.0.1:8083 for instance")
                ], exitCode: .invalid)
        }
        return address
    }

    /// systemd separates several state directories by colons; the first is ours.
    private static func firstFolder(_ text: String) -> String { String(text.prefix { $0 != ":" }) }
}
