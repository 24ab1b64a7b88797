import ConnectRuntime
import Connectors
import EmbeddedLog
import Glibc

/// The worker's own herder in this process, on the log in a folder: what a standalone worker runs, without its doors.
struct Worker {
    let folder: String

    typealias Connector = (name: Name, config: ConfigMap)

    /// Runs connectors for as long as the body takes; those that ran here before and are not named stay stopped, with their offsets.
    /// - Returns: the seconds from the herder's start to the body's end.
    @discardableResult func run(_ connectors: [Connector], _ body: (EmbeddedLog) throws -> Void) throws -> Double {
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder + "/data"))
        defer { log.close() }
        for name in try log.configStore.snapshot().connectors.keys {
            try log.configStore.putTargetState(name, connectors.contains { $0.name == name } ? .started : .stopped)
        }
        let herder = StandaloneHerder(
            settings: try WorkerSettings(), log: log, configStore: log.configStore,
            catalogue: PluginCatalogue(ConnectorCatalogue.plugins + BuiltInConverters.plugins), environment: Environment.ofProcess(), logger: .silent)
        defer { herder.stop() }
        do {
            return try timed {
                try herder.start(workerID: "127.0.0.1:0", applying: connectors.map { ($0.name, $0.config, nil) })
                try body(log)
            }
        } catch {
            let words = try connectors.flatMap { try herder.status($0.name).tasks }.compactMap(\.status.trace)
            throw Wrong("\(error) \(words.joined(separator: "; "))")
        }
    }

    /// Looks again and again, for two minutes at most.
    static func waitUntil(_ what: String, everyMicroseconds pause: UInt32 = 2000, _ look: () throws -> Bool) throws {
        let clock = ContinuousClock(), deadline = clock.now + .seconds(120)
        while try !look() {
            if clock.now > deadline { throw Wrong("waited two minutes until \(what)") }
            usleep(pause)
        }
    }
}
