import Synchronization

/// How a connector's work becomes tasks, and what becomes of them.
extension ConnectorHost {
    /// Asks the connector for its tasks and brings what runs in line. A failure is tried again with back-off.
    func split() {
        guard let entry = stored(), entry.targetState == .started else { return }
        let (instance, isStarted) = state.withLock { ($0.instance, $0.isStarted) }
        guard isStarted, let instance else { return }
        do {
            let resolved = try parts.references.resolve(entry.config)
            let plugin = try findPlugin(entry.config)
            let base = try ConnectorSettings.definition(plugin.kind).parsed(resolved)
            let maximum = try base.value(ConnectorSettings.tasksMaximum)
            var made = try pool.run("splitting \(name) into tasks", milliseconds: Self.callMilliseconds) { try instance.taskConfigs(maximum: maximum) }
            if made.count > maximum {
                let words = "The connector \(name) has generated \(made.count) tasks, which is greater than \(maximum), the maximum number of tasks it is configured to create."
                if try base.value(ConnectorSettings.tasksMaximumEnforce) {
                    return failed(ConnectError(.fatal, code: "connector.too_many_tasks", words, suggestion: "raise tasks.max to \(made.count)"))
                }
                logger.warning(words)
            }
            made = made.map { task in
                var task = TaskPlaceholders.restore(task, raw: entry.config, resolved: resolved)
                task["task.class"] = .some("\(plugin.className)Task")
                for key: Name in plugin.kind == .sink ? ["topics", "topics.regex"] : [] {
                    if task[key] == nil, let text = entry.config.text(key) { task[key] = .some(text) }
                }
                return task
            }
            if entry.tasks?.configs != made { try configs.putTasks(name, made) }
            state.withLock { state in
                state.note = nil
                state.splitBackoff.reset()
            }
            run(made, entry, paused: false)
        } catch {
            let cause = ConnectError(error)
            let wait = state.withLock { state in
                let wait = state.splitBackoff.next()
                state.note = "splitting into tasks: \(cause.message) (again in \(TaskLoop.seconds(wait)))"
                state.splitAgainAt = parts.clock.monotonicNanoseconds(after: wait)
                if cause.code == "worker.call_timeout" {
                    state.instance = nil
                    state.isStarted = false
                }
                return wait
            }
            logger.warning("the connector could not be split into tasks and is asked again in \(wait) ms", error: cause)
        }
    }

    /// Runs the stored tasks: the connector itself is not needed for that.
    func keepTasks(_ entry: ConfigSnapshot.Entry, paused: Bool) {
        guard let set = entry.tasks else { return }
        do {
            _ = try findPlugin(entry.config)
            run(set.configs, entry, paused: paused)
        } catch {
            logger.error("its tasks cannot run", error: error)
        }
    }

    /// Stops tasks that are not wanted or have another configuration, starts what is missing, leaves the rest alone.
    private func run(_ configs: [ConfigMap], _ entry: ConfigSnapshot.Entry, paused: Bool) {
        let present = state.withLock { $0.tasks }
        var outdated: [TaskHandle] = []
        for (number, handle) in present.enumerated() {
            guard let handle else { continue }
            let isWanted = number < configs.count && handle.specification.taskConfig == configs[number] && handle.specification.connectorConfig == entry.config
            if isWanted { handle.mailbox.setPaused(paused) } else { outdated.append(handle) }
        }
        stopTasks(outdated)
        let gone = Set(outdated.map(\.specification.task))
        state.withLock { state in
            state.tasks = (0..<configs.count).map { number in
                number < present.count && !gone.contains(number) ? present[number] : nil
            }
        }
        for number in configs.indices where state.withLock({ $0.tasks[number] }) == nil { startTask(number, configs, entry, paused: paused) }
        for (task, _) in statuses.tasks(of: name) where task >= configs.count { statuses.removeTask(connector: name, task: task) }
    }

    func startTask(_ number: Int, _ configs: [ConfigMap], _ entry: ConfigSnapshot.Entry, paused: Bool? = nil) {
        do {
            let plugin = try findPlugin(entry.config)
            let specification = TaskSpecification(
                connector: name, task: number, connectorConfig: entry.config, taskConfig: configs[number], plugin: plugin,
                paused: paused ?? (entry.targetState == .paused), taskCount: configs.count)
            try refuseBesideStuck(specification)
            let handle = TaskHandle(specification, clock: parts.clock, topicListener: topicListener) { [weak self] handle, state, error in
                self?.taskChanged(handle, state, error)
            }
            state.withLock { state in
                while state.tasks.count <= number { state.tasks.append(nil) }
                state.tasks[number] = handle
            }
            try handle.start(parts)
        } catch {
            let error = ConnectError(error)
            logger.with("task", String(number)).error("the task cannot start", error: error)
            put(Status(.failed, trace: error.description, workerID: workerID), task: number)
        }
    }

    /// A sink whose target does not fence by epoch must not run twice (P5).
    private func refuseBesideStuck(_ specification: TaskSpecification) throws {
        let stuck = state.withLock { state in
            state.stuck.removeAll { $0.hasEnded }
            return state.stuck.first { $0.specification.task == specification.task }
        }
        guard let stuck else { return }
        let config = try specification.plugin.definition.parsed(parts.references.resolve(specification.connectorConfig))
        let instance = try ConnectorInstance(specification.plugin)
        if instance.fencesByEpoch(config) { return }
        let (activity, since) = stuck.monitor.current
        throw ConnectError(
            .fatal, code: "task.former_run_stuck",
            "a former run of task \(specification.task) has been stuck in \(activity.words) for \(since / 1000) s, and its target could not tell the two apart",
            suggestion: "restart the task once that call has returned, or restart the worker")
    }

    func stopTasks(_ handles: [TaskHandle], milliseconds: Int? = nil) {
        if handles.isEmpty { return }
        let stuck = TaskStop.stop(
            handles, milliseconds: milliseconds ?? parts.settings.shutdownTimeoutMilliseconds, clock: parts.clock, logger: parts.logger)
        state.withLock { state in
            state.stuck.removeAll { $0.hasEnded }
            state.stuck += stuck
        }
        for handle in stuck { put(Status(.unassigned, workerID: workerID), task: handle.specification.task) }
    }

    /// `nil` where the worker does not keep track of topics.
    private var topicListener: TaskHandle.TopicListener? {
        guard parts.settings.tracksTopics else { return nil }
        return { [weak self] topic in
            guard let self, !state.withLock({ $0.isRemoved }) else { return }
            statuses.noteTopic(topic, of: name)
        }
    }

    private func taskChanged(_ handle: TaskHandle, _ new: Status.State, _ error: ConnectError?) {
        put(
            Status(new, trace: error?.description, workerID: workerID, version: handle.specification.plugin.version),
            task: handle.specification.task)
    }

    private func put(_ status: Status, task: Int) {
        if state.withLock({ $0.isRemoved }) { return }
        statuses.put(status, for: .task(connector: name, task: task))
    }
}
