internal import CPostgres

extension Connection {
    /// A COPY that was sent, and who keeps its rows.
    struct AheadCopy {
        let keep: (UnsafeRawBufferPointer) -> Void
        /// Whether the server has said that rows follow.
        var hasBegun = false
    }

    /// Sends `COPY … TO STDOUT` and does not wait: the server works on it while the caller does other things.
    ///
    /// ``takeCopied(waits:)`` hands over what has come. Whatever else is asked of the session takes the rest first.
    /// - Parameter keep: gets each piece as ``nextCopyRow(_:)`` lends it, on the session's thread.
    public func sendCopyOut(_ sql: String, keep: @escaping (UnsafeRawBufferPointer) -> Void) throws(PostgresError) {
        try begin()
        guard PQsendQuery(pointer, sql) == 1 else { throw sessionError() }
        ahead = AheadCopy(keep: keep)
        try flush()
    }

    /// Hands over pieces of the COPY under way, if there is one: those that are there, or all of them.
    /// - Throws: ``PostgresError``, also when the server refused the COPY, which is over then.
    public func takeCopied(waits: Bool) throws(PostgresError) {
        guard let keep = ahead?.keep else { return }
        guard pointer != nil else { throw closedError() }
        if !waits, PQconsumeInput(pointer) == 0 { throw sessionError() }
        if ahead?.hasBegun == false {
            if !waits, PQisBusy(pointer) == 1 { return }
            do throws(PostgresError) {
                try expectCopy(PGRES_COPY_OUT)
            } catch {
                ahead = nil
                throw error
            }
            ahead?.hasBegun = true
        }
        while true {
            var row: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(pointer, &row, 1)
            switch count {
            case 1...:
                keep(UnsafeRawBufferPointer(start: row, count: Int(count)))
                PQfreemem(row)
            case 0:
                if !waits { return }
                try waitInStatement(reading: true, writing: false)
                if PQconsumeInput(pointer) == 0 { throw sessionError() }
            case -1:
                ahead = nil
                try collect()
                return
            default: throw sessionError()
            }
        }
    }
}
