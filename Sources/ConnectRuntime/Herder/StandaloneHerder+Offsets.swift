/// Where connectors stand, and moving them by hand.
extension StandaloneHerder {
    public func offsets(_ connector: Name) throws(HerderError) -> [ConnectorOffset] {
        let entry = try entry(connector, orElse: "Connector \(connector) not found")
        do {
            return try OffsetChange(connector: connector, entry: entry, parts: parts, pool: pool).current()
        } catch {
            throw HerderError(.internalError, "The offsets of connector \(connector) cannot be read: \(ConnectError(error).message)")
        }
    }

    public func alterOffsets(_ connector: Name, _ offsets: [ConnectorOffset]?) throws(HerderError) -> Bool {
        if isStopping { throw HerderError(.unavailable, "The worker is shutting down.") }
        _ = try entry(connector, orElse: "Connector \(connector) not found")
        let host = host(connector)
        // In its lane: whatever still stops has stopped by then, and nothing starts meanwhile.
        let outcome: Result<Bool, HerderError>? = host.lane.sync(milliseconds: Self.requestMilliseconds) { [parts, pool] in
            do throws(HerderError) {
                guard let entry = host.stored() else { throw HerderError(.notFound, "Connector \(connector) not found") }
                guard entry.targetState == .stopped, entry.tasks?.configs.isEmpty != false else {
                    throw HerderError(
                        .badRequest,
                        "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing "
                            + "a 'PUT' request to the '/connectors/\(connector)/stop' endpoint")
                }
                return .success(try OffsetChange(connector: connector, entry: entry, parts: parts, pool: pool).apply(offsets))
            } catch { return .failure(error) }
        }
        guard let outcome else { throw HerderError(.timeout, "Request timed out. The offsets of connector \(connector) are still being changed.") }
        return try outcome.get()
    }
}
