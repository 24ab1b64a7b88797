internal import CPostgres

/// One statement of a pipeline.
public struct PipelineStatement: Sendable {
    enum Text: Sendable { case sql(String), prepared(String) }
    let text: Text
    let parameters: [Parameter]
    let binary: Bool

    public static func sql(_ sql: String, _ parameters: [Parameter] = [], binary: Bool = false) -> PipelineStatement {
        PipelineStatement(text: .sql(sql), parameters: parameters, binary: binary)
    }
    public static func prepared(_ name: String, _ parameters: [Parameter] = [], binary: Bool = false) -> PipelineStatement {
        PipelineStatement(text: .prepared(name), parameters: parameters, binary: binary)
    }
}

/// A pipeline's first error and the statement that made it; those behind it did not run.
public struct PipelineError: Error, Sendable {
    /// Its place among the statements; their count when the closing of the pipeline failed.
    public let index: Int
    public let error: PostgresError
}

extension Connection {
    /// Sends statements together and reads their results: one round trip instead of one each.
    ///
    /// Without BEGIN and COMMIT among them they are one transaction. After an error the server skips the rest.
    /// - Throws: ``PipelineError``. When its family is `.connection` and a COMMIT was among the statements, whether it took is unknown.
    public func pipeline(_ statements: [PipelineStatement]) throws(PipelineError) -> [QueryResult] {
        var results: [QueryResult] = []
        do throws(PostgresError) {
            try begin()
            guard PQenterPipelineMode(pointer) == 1 else { throw sessionError() }
            for statement in statements {
                do throws(PostgresError) {
                    switch statement.text {
                    case .sql(let sql): try send(sql, statement.parameters, binary: statement.binary)
                    case .prepared(let name): try sendPrepared(name, statement.parameters, binary: statement.binary)
                    }
                } catch {
                    // What was queued must not run: the session is the only thing that holds it.
                    close()
                    throw error
                }
            }
            guard PQpipelineSync(pointer) == 1 else { throw sessionError() }
            try flush()
        } catch {
            throw PipelineError(index: 0, error: error)
        }
        var failure: PipelineError?
        do throws(PostgresError) {
            var isSynced = false
            while !isSynced {
                while let next = try nextPointer() {
                    let result = QueryResult(next)
                    switch result.status {
                    case PGRES_PIPELINE_SYNC: isSynced = true
                    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: results.append(result)
                    case PGRES_PIPELINE_ABORTED: break
                    default: failure = failure ?? PipelineError(index: results.count, error: resultError(next))
                    }
                    if isSynced { break }
                }
                guard pointer != nil, PQstatus(pointer) == CONNECTION_OK else { throw sessionError() }
            }
            guard PQexitPipelineMode(pointer) == 1 else { throw sessionError() }
        } catch {
            throw failure ?? PipelineError(index: results.count, error: error)
        }
        if let failure { throw failure }
        return results
    }
}
