import Synchronization

/// States: what is, and what shall be.
extension StandaloneHerder {
    public func status(_ connector: Name) throws(HerderError) -> ConnectorStatus {
        let missing = "No status found for connector \(connector)"
        let entry = try entry(connector, orElse: missing)
        guard let own = statuses.status(of: .connector(connector)) else { throw HerderError(.notFound, missing) }
        let host = knownHost(connector)
        let (note, handles, stuck, warnings) = host?.state.withLock { ($0.note, $0.tasks, $0.stuck, $0.warnings) } ?? (nil, [], [], [])
        let stuckWords = stuck.filter { !$0.hasEnded }.map { handle in
            let (activity, since) = handle.monitor.current
            return "a former run of task \(handle.specification.task) has been stuck in \(activity.words) for \(since / 1000) s"
        }
        let tasks = statuses.tasks(of: connector).map { task, status in
            ConnectorStatus.Part(task: task, status: status, note: task < handles.count ? handles[task]?.monitor.note : nil)
        }
        let words = ([note].compactMap { $0 } + stuckWords).joined(separator: "; ")
        return ConnectorStatus(
            name: connector, type: type(entry.config), connector: ConnectorStatus.Part(task: nil, status: own, note: words.isEmpty ? nil : words),
            tasks: tasks, warnings: warnings)
    }

    public func taskStatus(_ connector: Name, task: Int) throws(HerderError) -> ConnectorStatus.Part {
        let missing = "No status found for task \(connector)-\(task)"
        guard let status = statuses.status(of: .task(connector: connector, task: task)) else { throw HerderError(.notFound, missing) }
        let note = knownHost(connector)?.state.withLock { task < $0.tasks.count ? $0.tasks[task]?.monitor.note : nil }
        return ConnectorStatus.Part(task: task, status: status, note: note)
    }

    public func setTargetState(_ connector: Name, _ target: TargetState) throws(HerderError) {
        try write { () throws(HerderError) in
            _ = try entry(connector, orElse: "Unknown connector \(connector)")
            try stored { () throws(LogError) in try configs.putTargetState(connector, target) }
        }
        host(connector).reconcileSoon()
    }

    public func restartConnector(_ connector: Name) throws(HerderError) {
        _ = try entry(connector, orElse: "Unknown connector: \(connector)")
        let host = host(connector)
        let outcome: ConnectError?? = host.lane.sync(milliseconds: Self.requestMilliseconds) { host.restartConnector() }
        guard let outcome else { throw HerderError(.timeout, "Request timed out. The connector \(connector) is still being restarted.") }
        if let error = outcome { throw HerderError(.internalError, "Failed to start connector \(connector): \(error.message)") }
    }

    public func restartTask(_ connector: Name, task: Int) throws(HerderError) {
        let entry = try entry(connector, orElse: "Unknown connector: \(connector)")
        guard task >= 0, task < entry.tasks?.configs.count ?? 0 else { throw HerderError(.notFound, "Unknown task: \(connector)-\(task)") }
        let host = host(connector)
        let done: Bool? = host.lane.sync(milliseconds: Self.requestMilliseconds) {
            host.restartTasks([task])
            return true
        }
        if done == nil { throw HerderError(.timeout, "Request timed out. The task \(connector)-\(task) is still being restarted.") }
    }

    public func restart(_ connector: Name, onlyFailed: Bool, includeTasks: Bool) throws(HerderError) -> ConnectorStatus {
        _ = try entry(connector, orElse: "Unknown connector: \(connector)")
        let now = try status(connector)
        let plan = RestartPlan(now, onlyFailed: onlyFailed, includeTasks: includeTasks)
        try stored { () throws(LogError) in
            try configs.putRestart(RestartRequest(connector: connector, onlyFailed: onlyFailed, includeTasks: includeTasks))
        }
        func restarting(_ part: ConnectorStatus.Part) -> ConnectorStatus.Part {
            ConnectorStatus.Part(
                task: part.task,
                status: Status(.restarting, trace: part.status.trace, workerID: part.status.workerID, generation: part.status.generation, version: part.status.version),
                note: part.note)
        }
        let connectorPart = plan.restartsConnector ? restarting(now.connector) : now.connector
        let taskParts = now.tasks.map { plan.tasks.contains($0.task ?? -1) ? restarting($0) : $0 }
        let host = host(connector)
        if plan.restartsConnector { statuses.put(connectorPart.status, for: .connector(connector)) }
        for part in taskParts { if let task = part.task, plan.tasks.contains(task) { statuses.put(part.status, for: .task(connector: connector, task: task)) } }
        host.lane.async {
            if plan.restartsConnector { _ = host.restartConnector() }
            if !plan.tasks.isEmpty { host.restartTasks(plan.tasks) }
        }
        return ConnectorStatus(name: now.name, type: now.type, connector: connectorPart, tasks: taskParts, warnings: now.warnings)
    }
}

/// Which instances a restart touches: a pure decision (KIP-745).
package struct RestartPlan: Sendable, Hashable {
    package let restartsConnector: Bool
    package let tasks: [Int]

    package init(_ status: ConnectorStatus, onlyFailed: Bool, includeTasks: Bool) {
        func isWanted(_ part: ConnectorStatus.Part) -> Bool { !onlyFailed || part.status.state == .failed }
        restartsConnector = isWanted(status.connector)
        tasks = includeTasks ? status.tasks.filter(isWanted).compactMap(\.task) : []
    }
}
