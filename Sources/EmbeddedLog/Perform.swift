internal import ConnectRuntime
internal import SQLite

extension EmbeddedLog {
    /// Writes something by itself and waits until it is durable.
    /// - Throws: what `body` refused with; `.retriable` when it could not be written in time, and then nothing was written.
    func perform(_ body: @escaping WriteRequest.Apply) throws(LogError) { try queue.perform(isExclusive: true, body) }

    /// Reads on the writer's thread and waits for the answer.
    func read<Answer: Sendable>(_ body: @escaping @Sendable (Storage) throws -> Answer) throws(LogError) -> Answer { try queue.read(body) }
}

extension WriterQueue {
    func perform(isExclusive: Bool, _ body: @escaping WriteRequest.Apply) throws(LogError) {
        try refuseOnOwnThread()
        let reply = Reply<Bool>()
        let request = WriteRequest(isExclusive: isExclusive, apply: body) { error in reply.give(error.map { .failure($0) } ?? .success(true)) }
        try submit(request)
        while true {
            if let answer = reply.wait(milliseconds: patienceMilliseconds) {
                _ = try answer.get()
                return
            }
            // Where the writer is at it just now the outcome comes with the disk's answer, or with another look.
            if request.cancel() {
                throw LogError(
                    .retriable, "the log did not write within \(patienceMilliseconds / 1000) s: the disk is full or too slow",
                    suggestion: "free space on the file system of the data folder")
            }
        }
    }

    func read<Answer: Sendable>(_ body: @escaping @Sendable (Storage) throws -> Answer) throws(LogError) -> Answer {
        try refuseOnOwnThread()
        let reply = Reply<Answer>()
        try submit { storage in
            do { reply.give(.success(try body(storage.get()))) } catch { reply.give(.failure(asLogError(error, during: "reading the log"))) }
        }
        guard let answer = reply.wait(milliseconds: patienceMilliseconds) else {
            throw LogError(.retriable, "the log did not answer within \(patienceMilliseconds / 1000) s: the disk is too slow")
        }
        return try answer.get()
    }
}

/// What went wrong in the log's own words.
func asLogError(_ error: any Error, during what: String) -> LogError {
    if let error = error as? LogError { return error }
    guard let error = error as? SQLiteError else { return LogError(.fatal, "\(what): \(error)") }
    if error.isDamage {
        return LogError(.damaged, "\(what): the database is damaged (\(error.message))", suggestion: "restore the data folder from a copy")
    }
    if error.code == .full { return LogError(.retriable, "\(what): the disk is full", suggestion: "free space on the file system of the data folder") }
    return LogError(error.mayPass ? .retriable : .fatal, "\(what): \(error.description)")
}
