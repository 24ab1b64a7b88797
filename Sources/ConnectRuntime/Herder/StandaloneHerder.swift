import Synchronization

/// The herder of one process: what is created over REST stays across restarts, in the configuration store.
public final class StandaloneHerder: Herder {
    let parts: WorkerParts
    let configs: any ConfigStore
    let statuses: any StatusStore
    let pool = CallPool()
    let validator: ConfigValidator
    private let logger: Logger

    private struct State {
        var workerID = "127.0.0.1:8083"
        var hosts: [Name: ConnectorHost] = [:]
        var isReady = false
        var isStopping = false
    }
    private let state = Mutex(State())
    /// One change of the store at a time, so that "exists already" is true when it is said.
    private let writes = Mutex(())
    private let ticking = ThreadCondition()

    /// - Parameters:
    ///   - environment: where `${env:…}` looks.
    ///   - statusStore: where states are kept.
    public init(
        settings: WorkerSettings, log: any TopicLog, configStore: any ConfigStore, statusStore: any StatusStore = MemoryStatusStore(),
        catalogue: PluginCatalogue, environment: Environment, logger: Logger, clock: any WorkerClock = SystemClock()
    ) {
        let references = ReferenceResolver(environment)
        parts = WorkerParts(log: log, catalogue: catalogue, settings: settings, references: references, clock: clock, logger: logger)
        configs = configStore
        statuses = statusStore
        validator = ConfigValidator(catalogue: catalogue, references: references)
        self.logger = logger
    }

    public var workerID: String { state.withLock { $0.workerID } }
    public var clusterID: String { parts.log.clusterID }
    public var plugins: PluginCatalogue { parts.catalogue }

    // MARK: life

    /// Starts everything in the store, and what files name: each as a PUT would, its target state kept.
    /// - Parameter workerID: `host:port` of the REST door.
    /// - Throws: ``HerderError`` of the first file's configuration that is refused; nothing of it runs then, what was stored before does.
    public func start(workerID: String, applying files: [(name: Name, config: ConfigMap, initialState: TargetState?)] = []) throws(HerderError) {
        state.withLock { $0.workerID = workerID }
        for (name, _) in try snapshot().connectors.sorted(by: { $0.key < $1.key }) where !files.contains(where: { $0.name == name }) {
            host(name).reconcileSoon()
            warnAgain(name)
        }
        for file in files { _ = try put(file.name, file.config, initialState: file.initialState, replacing: true) }
        state.withLock { $0.isReady = true }
        do {
            try PlainThread.start("herder") { [weak self, ticking] in
                while true {
                    guard let pause = self?.tick() else { return }
                    let ended: Bool? = ticking.wait(milliseconds: pause) { [weak self] in (self?.isStopping ?? true) ? true : nil }
                    if ended != nil { return }
                }
            }
        } catch {
            throw HerderError(.internalError, error.message)
        }
    }

    /// Stops every connector and task within one budget; those that do not end are left behind, fenced.
    public func stop(milliseconds: Int? = nil) {
        let hosts = state.withLock { state in
            state.isStopping = true
            state.isReady = false
            return Array(state.hosts.values)
        }
        ticking.broadcast()
        let budget = milliseconds ?? parts.settings.shutdownTimeoutMilliseconds
        // All are told at once; then all are waited for.
        for host in hosts { for task in host.all() { task.mailbox.requestStop() } }
        for host in hosts { host.lane.async { host.shutDown(milliseconds: budget) } }
        let end = parts.clock.monotonicNanoseconds(after: min(budget, Int.max - Self.stopSlackMilliseconds) + Self.stopSlackMilliseconds)
        for host in hosts {
            let now = parts.clock.monotonicNanoseconds()
            _ = host.lane.sync(milliseconds: now >= end ? 0 : Int((end - now) / 1_000_000)) { true }
        }
    }

    private static let stopSlackMilliseconds = 1_000
    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// - Returns: how many milliseconds later to look again; `nil` when the herder stops.
    private func tick() -> Int? {
        let (hosts, stopping) = state.withLock { (Array($0.hosts.values), $0.isStopping) }
        let now = parts.clock.monotonicNanoseconds()
        var isOneWaiting = false
        for host in hosts where host.tick(now: now) { isOneWaiting = true }
        // A worker without such work is woken as rarely as may be.
        return stopping ? nil : isOneWaiting ? 250 : 1000
    }

    public func health() -> Health {
        let (ready, stopping) = state.withLock { ($0.isReady, $0.isStopping) }
        if stopping { return Health(.unhealthy, "Worker is shutting down.") }
        if !ready { return Health(.starting, "Worker is still starting up.") }
        if let impediment = parts.log.impediment {
            let words = impediment.message + (impediment.suggestion.map { ". \($0)" } ?? "")
            return Health(.unhealthy, words, goesOnByItself: impediment.kind == .retriable)
        }
        let stuck = pool.stuck
        if stuck.count >= CallPool.mostAbandoned { return Health(.unhealthy, "Worker is unable to call connectors: \(stuck[0])") }
        return Health(.healthy, "Worker has completed startup and is ready to handle requests.")
    }

    // MARK: for the other files

    func snapshot() throws(HerderError) -> ConfigSnapshot {
        do { return try configs.snapshot() } catch { throw HerderError(.internalError, error.message) }
    }

    func entry(_ connector: Name, orElse message: String) throws(HerderError) -> ConfigSnapshot.Entry {
        guard let entry = try snapshot().connectors[connector] else { throw HerderError(.notFound, message) }
        return entry
    }

    func host(_ connector: Name) -> ConnectorHost {
        state.withLock { state in
            if let there = state.hosts[connector] { return there }
            let made = ConnectorHost(connector, workerID: state.workerID, parts: parts, pool: pool, configs: configs, statuses: statuses)
            state.hosts[connector] = made
            return made
        }
    }

    func knownHost(_ connector: Name) -> ConnectorHost? { state.withLock { $0.hosts[connector] } }

    func forgetHost(_ connector: Name) {
        state.withLock { state in
            if let host = state.hosts[connector], host.lane.isIdle, host.state.withLock({ $0.applied == nil && $0.stuck.isEmpty }) { state.hosts[connector] = nil }
        }
    }

    /// Changes the store, one change at a time.
    func write<R>(_ body: () throws(HerderError) -> R) throws(HerderError) -> R {
        if isStopping { throw HerderError(.unavailable, "The worker is shutting down.") }
        let outcome: Result<R, HerderError> = writes.withLock { _ in
            do throws(HerderError) { return .success(try body()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    func stored(_ body: () throws(LogError) -> Void) throws(HerderError) {
        do throws(LogError) { try body() } catch { throw HerderError(.internalError, error.message) }
    }

    static let requestMilliseconds = 90_000
}
