import ConnectRuntime

/// States, tasks, pausing and restarting.
extension RestAPI {
    func status(_ name: Name) throws -> Response {
        try saying("No status found for connector \(name)") { () throws(HerderError) in .json(try herder.status(name).json) }
    }

    func tasks(_ name: Name) throws -> Response {
        try saying("Connector \(name) not found") { () throws(HerderError) in
            let configs = try herder.tasks(name)
            return .json(
                .array(
                    configs.enumerated().map { number, config in
                        .object([JSON.Member("id", taskID(name, number)), JSON.Member("config", config.json)])
                    }))
        }
    }

    func taskStatus(_ name: Name, _ task: Int) throws -> Response {
        try saying("No status found for task \(name)-\(task)") { () throws(HerderError) in
            .json(try herder.taskStatus(name, task: task).json)
        }
    }

    /// `{"orders": {"topics": ["shop.orders"]}}`: also for a connector nobody knows, as Connect says it.
    func usedTopics(_ name: Name) throws -> Response {
        let topics = JSON.object([JSON.Member("topics", .array(try herder.topics(name).map { .string($0.text) }))])
        return .json(.object([JSON.Member(name.text, topics)]))
    }

    func resetUsedTopics(_ name: Name) throws -> Response {
        try herder.resetTopics(name)
        return .empty(202)
    }

    func setState(_ name: Name, _ state: TargetState, answer: Int) throws -> Response {
        try saying("Unknown connector \(name)") { () throws(HerderError) in
            try herder.setTargetState(name, state)
            return .empty(answer)
        }
    }

    func restart(_ name: Name, _ request: Request) throws -> Response {
        let onlyFailed = request.target.flag("onlyFailed")
        let includeTasks = request.target.flag("includeTasks")
        return try saying("Unknown connector: \(name)") { () throws(HerderError) in
            if !onlyFailed, !includeTasks {
                try herder.restartConnector(name)
                return .empty(204)
            }
            return .json(202, try herder.restart(name, onlyFailed: onlyFailed, includeTasks: includeTasks).json)
        }
    }

    func restartTask(_ name: Name, _ task: Int) throws -> Response {
        do throws(HerderError) {
            try herder.restartTask(name, task: task)
            return .empty(204)
        } catch {
            guard error.kind == .notFound else { throw error }
            let isKnown = (try? herder.info(name)) != nil
            throw HerderError(.notFound, isKnown ? "Unknown task: \(name)-\(task)" : "Unknown connector: \(name)")
        }
    }
}
