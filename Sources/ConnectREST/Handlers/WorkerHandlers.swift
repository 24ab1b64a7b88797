import ConnectRuntime

/// The worker itself: who it is, how it is.
extension RestAPI {
    func root() -> Response {
        .json(
            .object([
                JSON.Member("version", .string(RestAPI.connectVersion)), JSON.Member("commit", .string("unknown")),
                JSON.Member("kafka_cluster_id", .string(herder.clusterID)), JSON.Member("connectd_version", .string(version)),
                JSON.Member("worker_id", .string(herder.workerID)),
            ]))
    }

    /// KIP-1017: 200 healthy, 503 starting, 500 unhealthy.
    func health() -> Response {
        let health = herder.health()
        switch health.state {
        case .healthy: return answer(200, health)
        case .starting: return answer(503, health)
        case .unhealthy: return answer(500, health)
        }
    }

    /// Whether the process and its store live, so that a new start is not called for: a worker that is still starting does, and one that
    /// waits for room on its disk.
    func healthz() -> Response {
        let health = herder.health()
        return answer(health.state == .unhealthy && !health.goesOnByItself ? 503 : 200, health)
    }

    /// Whether it can be worked with.
    func readyz() -> Response {
        let health = herder.health()
        return answer(health.state == .healthy ? 200 : 503, health)
    }

    private func answer(_ status: Int, _ health: Health) -> Response {
        .json(
            status,
            .object([JSON.Member("status", .string(health.state.rawValue)), JSON.Member("message", .string(health.message))]))
    }

    /// What an operator should know and Connect's own answers have no field for, of every connector.
    func notes() throws -> Response {
        let names = try herder.connectors()
        return .json(
            .object(
                names.compactMap { name in
                    (try? herder.status(name)).map { JSON.Member(name.text, notes(of: $0)) }
                }))
    }

    func notes(_ name: Name) throws -> Response {
        try saying("Connector \(name) not found") { () throws(HerderError) in .json(notes(of: try herder.status(name))) }
    }

    private func notes(of status: ConnectorStatus) -> JSON {
        .object([
            JSON.Member("name", .string(status.name.text)), JSON.Member("type", .string(status.type.rawValue)),
            JSON.Member("connector", note(status.connector)), JSON.Member("tasks", .array(status.tasks.map(note))),
            JSON.Member("warnings", .array(status.warnings.map(\.json))),
        ])
    }

    private func note(_ part: ConnectorStatus.Part) -> JSON {
        var members: [JSON.Member] = []
        if let task = part.task { members.append(JSON.Member("id", .integer(Int64(task)))) }
        members.append(JSON.Member("state", .string(part.status.state.rawValue)))
        members.append(JSON.Member("note", part.note.map { .string($0) } ?? .null))
        return .object(members)
    }
}
