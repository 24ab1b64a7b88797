import ConnectREST
import ConnectRuntime
import EmbeddedLog

/// A standalone worker: its door, its log and its herder, started in this order and stopped in the other.
final class RunningWorker: Sendable {
    let server: RestServer
    let log: EmbeddedLog
    let herder: StandaloneHerder

    /// The address clients use: a wildcard is no place to go to.
    var url: String { "http://\(server.address.host.isEmpty || server.address.host == "0.0.0.0" ? "127.0.0.1" : "\(server.address)".hostPart):\(server.address.port)" }

    private init(server: RestServer, log: EmbeddedLog, herder: StandaloneHerder) {
        self.server = server
        self.log = log
        self.herder = herder
    }

    /// Starts it. What was started is stopped again when something fails.
    /// - Throws: ``FindingsError`` with the exit code that fits: 3 when the surroundings refuse, 2 for a configuration, 1 for a damaged log.
    static func start(_ options: WorkerOptions, catalogue: PluginCatalogue, environment: Environment, logger: Logger) throws -> RunningWorker {
        let server: RestServer
        do {
            server = try RestServer(options.listen)
        } catch {
            throw FindingsError(findings: [Finding(ConnectError(error))], exitCode: .environment)
        }
        let log: EmbeddedLog
        do throws(LogError) {
            var logOptions = EmbeddedLogOptions(folder: options.dataDirectory)
            logOptions.logger = logger.labelled("log")
            logOptions.transactionByteLimit = options.settings.transactionBytes
            log = try EmbeddedLog.open(logOptions)
        } catch {
            server.stop()
            throw FindingsError(
                findings: [Finding(error.connectError, at: Finding.Place(file: options.dataDirectory))],
                exitCode: error.kind == .invalid ? .environment : .failure)
        }
        let herder = StandaloneHerder(
            settings: options.settings, log: log, configStore: log.configStore, catalogue: catalogue, environment: environment,
            logger: logger.labelled("herder"))
        let worker = RunningWorker(server: server, log: log, herder: herder)
        let door = options.produce.map { ProduceDoor($0, log: log, partitionsOfNewTopics: options.settings.topicPartitions) }
        server.serve(
            RestAPI(herder: herder, log: log, browserGuard: BrowserGuard(allowedHosts: options.hosts), version: Program.version, produceDoor: door))
        do throws(HerderError) {
            try herder.start(
                workerID: "\(server.address)", applying: options.connectors.map { ($0.name, $0.config, $0.initialState) })
        } catch {
            worker.stop()
            throw FindingsError(
                findings: [Finding("worker.start", error.message, suggestion: "connectd validate shows where; then start again")],
                exitCode: error.kind == .badRequest ? .invalid : .failure)
        }
        return worker
    }

    /// Ends it: no more requests, tasks stopped within their budget, the log closed. Bounded; a second call does nothing.
    func stop() {
        server.stop()
        herder.stop()
        log.close()
    }
}

extension String {
    /// `host` of `host:port`, brackets of an IPv6 address kept.
    fileprivate var hostPart: String { lastIndex(of: ":").map { String(self[..<$0]) } ?? self }
}
