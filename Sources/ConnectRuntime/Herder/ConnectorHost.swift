import Synchronization

/// Runs one connector and its tasks: brings what runs in line with what the configuration store says.
///
/// Everything that changes something happens in its lane, one piece at a time; calls into the connector run in the pool, with a deadline.
final class ConnectorHost: Sendable {
    let name: Name
    let lane: SerialLane
    let parts: WorkerParts
    let pool: CallPool
    let configs: any ConfigStore
    let statuses: any StatusStore
    let logger: Logger

    /// Touched by the lane, read by whoever asks for a status.
    struct State {
        var workerID = ""
        var plugin: Plugin?
        var applied: ConfigMap?
        var instance: ConnectorInstance?
        var context: HostContext?
        var isStarted = false
        var hasFailed = false
        var tasks: [TaskHandle?] = []
        /// Abandoned threads that are still alive.
        var stuck: [TaskHandle] = []
        var note: String?
        var warnings: [ConfigProblem] = []
        var splitBackoff = Backoff(first: 250, longest: 60_000)
        /// When `taskConfigs` is to be tried again, on the monotonic clock.
        var splitAgainAt: UInt64?
        var isRemoved = false
    }
    let state: Mutex<State>

    init(_ name: Name, workerID: String, parts: WorkerParts, pool: CallPool, configs: any ConfigStore, statuses: any StatusStore) {
        self.name = name
        lane = SerialLane("herd-\(name)")
        self.parts = parts
        self.pool = pool
        self.configs = configs
        self.statuses = statuses
        logger = parts.logger.with("connector", name.text)
        var state = State()
        state.workerID = workerID
        self.state = Mutex(state)
    }

    var workerID: String { state.withLock { $0.workerID } }

    // MARK: called from outside

    /// Has the lane bring things in line with the store.
    func reconcileSoon() { lane.async { self.reconcile() } }

    /// Looks whether a failed split into tasks is due again.
    /// - Returns: whether one waits for its time.
    func tick(now: UInt64) -> Bool {
        let (isDue, isWaiting) = state.withLock { state in
            state.stuck.removeAll { $0.hasEnded }
            guard let due = state.splitAgainAt else { return (false, false) }
            guard now >= due else { return (false, true) }
            state.splitAgainAt = nil
            return (true, true)
        }
        if isDue { lane.async { self.split() } }
        return isWaiting
    }

    // MARK: in the lane

    func reconcile() {
        guard let entry = stored() else { return remove() }
        state.withLock { $0.isRemoved = false }
        let isChanged = state.withLock { $0.applied != entry.config }
        if isChanged {
            stopConnector()
            state.withLock { state in
                state.instance = nil
                state.hasFailed = false
                state.applied = entry.config
                state.plugin = nil
            }
        }
        // Its status tells the version of a connector that never starts, too. A class nobody knows has none; starting it says so.
        _ = try? findPlugin(entry.config)
        switch entry.targetState {
        case .started:
            if !state.withLock({ $0.isStarted || $0.hasFailed }) { startConnector(entry) }
            if state.withLock({ $0.isStarted }) { split() } else { keepTasks(entry, paused: false) }
        case .paused:
            stopConnector()
            keepTasks(entry, paused: true)
            if !state.withLock({ $0.hasFailed }) { report(.paused) }
        case .stopped:
            stopConnector()
            stopTasks(all())
            state.withLock { $0.tasks = [] }
            if entry.tasks?.configs.isEmpty != true { attempt("forget the tasks") { () throws(LogError) in try configs.putTasks(name, []) } }
            for (task, _) in statuses.tasks(of: name) { statuses.removeTask(connector: name, task: task) }
            state.withLock { $0.hasFailed = false }
            report(.stopped)
        }
    }

    /// The connector was deleted: everything ends, its statuses go.
    private func remove() {
        state.withLock { $0.isRemoved = true }
        stopConnector()
        stopTasks(all())
        state.withLock { state in
            state.tasks = []
            state.instance = nil
            state.applied = nil
            state.plugin = nil
            state.hasFailed = false
            state.splitAgainAt = nil
        }
        statuses.remove(connector: name)
    }

    /// The worker ends: everything stops within the budget; statuses say that nobody runs it.
    func shutDown(milliseconds: Int) {
        let end = parts.clock.monotonicNanoseconds(after: milliseconds)
        let wasRunning = state.withLock { $0.applied != nil }
        stopConnector()
        let now = parts.clock.monotonicNanoseconds()
        stopTasks(all(), milliseconds: now >= end ? 0 : Int((end - now) / 1_000_000))
        if wasRunning { report(.unassigned) }
    }

    /// Stops and starts the connector alone, as a new instance.
    /// - Returns: why it does not run, `nil` when it does or is not to.
    func restartConnector() -> ConnectError? {
        guard let entry = stored() else { return nil }
        stopConnector()
        state.withLock { state in
            state.instance = nil
            state.hasFailed = false
        }
        switch entry.targetState {
        case .started:
            let error = startConnector(entry)
            if error == nil { split() }
            return error
        case .paused: report(.paused)
        case .stopped: report(.stopped)
        }
        return nil
    }

    func restartTasks(_ numbers: [Int]) {
        guard let entry = stored(), entry.targetState != .stopped, let set = entry.tasks else { return }
        let old = numbers.compactMap { number in state.withLock { number < $0.tasks.count ? $0.tasks[number] : nil } }
        stopTasks(old)
        for number in numbers where number < set.configs.count { startTask(number, set.configs, entry) }
    }

    // MARK: pieces

    func stored() -> ConfigSnapshot.Entry? {
        do {
            return try configs.snapshot().connectors[name]
        } catch {
            logger.error("the configuration store cannot be read", error: error.connectError)
            return nil
        }
    }

    func all() -> [TaskHandle] { state.withLock { $0.tasks.compactMap { $0 } } }

    func report(_ new: Status.State, trace: String? = nil) {
        let (removed, version, workerID) = state.withLock { ($0.isRemoved, $0.plugin?.version, $0.workerID) }
        if removed { return }
        statuses.put(Status(new, trace: trace, workerID: workerID, version: version), for: .connector(name))
    }

    func failed(_ error: ConnectError) {
        state.withLock { $0.hasFailed = true }
        logger.error("the connector failed", error: error)
        report(.failed, trace: error.description)
    }

    private func attempt(_ what: String, _ body: () throws(LogError) -> Void) {
        do throws(LogError) { try body() } catch { logger.error("could not \(what)", error: error.connectError) }
    }

    func findPlugin(_ config: ConfigMap) throws(ConnectError) -> Plugin {
        if let known = state.withLock({ $0.plugin }) { return known }
        do {
            let plugin = try ConfigValidator(catalogue: parts.catalogue, references: parts.references).plugin(config)
            state.withLock { $0.plugin = plugin }
            return plugin
        } catch {
            throw ConnectError(.configuration, code: "config.unknown_class", error.message)
        }
    }

    @discardableResult
    private func startConnector(_ entry: ConfigSnapshot.Entry) -> ConnectError? {
        do {
            let plugin = try findPlugin(entry.config)
            let resolved = try parts.references.resolve(entry.config)
            let config = try plugin.definition.parsed(resolved)
            let instance = try state.withLock { $0.instance } ?? ConnectorInstance(plugin)
            let context = HostContext(
                name, isSource: plugin.kind == .source, parts: parts, logger: logger,
                reconfigure: { [self] in lane.async { self.split() } },
                fail: { [self] error in lane.async { self.failed(error) } })
            state.withLock { state in
                state.instance = instance
                state.context = context
            }
            do {
                try pool.run("starting connector \(name)", milliseconds: Self.callMilliseconds) { try instance.start(config, context: context) }
            } catch {
                if ConnectError(error).code == "worker.call_timeout" {
                    state.withLock { $0.instance = nil }
                } else {
                    try? pool.run("stopping connector \(name)", milliseconds: Self.stopMilliseconds) { instance.stop() }
                }
                context.close()
                throw error
            }
            state.withLock { $0.isStarted = true }
            report(.running)
            return nil
        } catch {
            let error = ConnectError(error)
            failed(error)
            return error
        }
    }

    func stopConnector() {
        let (instance, context, wasStarted) = state.withLock { state in
            defer {
                state.isStarted = false
                state.context = nil
                state.splitAgainAt = nil
            }
            return (state.instance, state.context, state.isStarted)
        }
        context?.close()
        guard wasStarted, let instance else { return }
        do {
            try pool.run("stopping connector \(name)", milliseconds: Self.stopMilliseconds) { instance.stop() }
        } catch {
            logger.warning("the connector did not stop and is given up", error: ConnectError(error))
            state.withLock { $0.instance = nil }
        }
    }

    static let callMilliseconds = 60_000
    static let stopMilliseconds = 5_000
}
