internal import CPostgres

extension Connection {
    /// Runs one statement with parameters and hands its rows over as they come, each as a result of one row that may be kept: no more than what is
    /// kept is held in memory.
    /// - Parameter body: whether it wants more; what it does not want the server sends all the same.
    /// - Throws: ``PostgresError``, or what `body` throws; after the latter the session is closed, since rows are still under way.
    public func query(_ sql: String, _ parameters: [Parameter] = [], binary: Bool = false, eachRow body: (QueryResult) throws -> Bool) throws {
        try begin()
        try send(sql, parameters, binary: binary)
        try handOver(body)
    }

    /// The same of a prepared statement.
    public func executePrepared(_ name: String, _ parameters: [Parameter] = [], binary: Bool = false, eachRow body: (QueryResult) throws -> Bool) throws {
        try begin()
        try sendPrepared(name, parameters, binary: binary)
        try handOver(body)
    }

    private func handOver(_ body: (QueryResult) throws -> Bool) throws {
        guard PQsetSingleRowMode(pointer) == 1 else { throw sessionError() }
        try flush()
        var failure: PostgresError?, isMoreWanted = true, isOver = false
        while let next = try nextPointer() {
            let result = QueryResult(next)
            switch result.status {
            case PGRES_SINGLE_TUPLE:
                if !isMoreWanted { continue }
                do {
                    isMoreWanted = try body(result)
                } catch {
                    close()
                    throw error
                }
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: isOver = true
            default: failure = failure ?? resultError(next)
            }
        }
        if let failure { throw failure }
        if !isOver { throw sessionError() }
    }
}
