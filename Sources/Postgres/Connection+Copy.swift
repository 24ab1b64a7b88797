internal import CPostgres

extension Connection {
    /// Begins `COPY … TO STDOUT`; read with ``nextCopyRow(_:)`` until it says it is over.
    public func beginCopyOut(_ sql: String) throws(PostgresError) { try beginCopy(sql, PGRES_COPY_OUT) }

    /// Lends the next piece of a COPY: a row with its end in text format, a row (or header, or trailer) in binary format.
    /// - Returns: false when it is over; the session is free again then.
    /// - Throws: ``PostgresError``, or what `body` throws; after the latter the session is closed, since rows are still under way.
    public func nextCopyRow(_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        while true {
            guard pointer != nil else { throw closedError() }
            var row: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(pointer, &row, 1)
            if count > 0 {
                defer { PQfreemem(row) }
                do {
                    try body(UnsafeRawBufferPointer(start: row, count: Int(count)))
                } catch {
                    close()
                    throw error
                }
                return true
            }
            switch count {
            case 0:
                try waitInStatement(reading: true, writing: false)
                if PQconsumeInput(pointer) == 0 { throw sessionError() }
            case -1:
                try collect()
                return false
            default: throw sessionError()
            }
        }
    }

    /// Begins `COPY … FROM STDIN`; then ``putCopy(_:)`` and ``endCopyIn()`` or ``failCopyIn(_:)``.
    public func beginCopyIn(_ sql: String) throws(PostgresError) { try beginCopy(sql, PGRES_COPY_IN) }

    /// Sends bytes; they need not end at rows. Waits while the server is slower than we.
    public func putCopy(_ bytes: UnsafeRawBufferPointer) throws(PostgresError) {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
        var done = 0
        while done < bytes.count {
            guard pointer != nil else { throw closedError() }
            // libpq grows its buffer for what it cannot send: pieces keep that bounded.
            let piece = min(Connection.copyPieceBytes, bytes.count - done)
            switch PQputCopyData(pointer, base + done, Int32(piece)) {
            case 1:
                done += piece
                try flush()
            case 0: try flush()
            default: throw sessionError()
            }
        }
    }

    public func putCopy(_ bytes: [UInt8]) throws(PostgresError) {
        try bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(PostgresError) in try putCopy(UnsafeRawBufferPointer(buffer)) }
    }

    private static var copyPieceBytes: Int { 1 << 18 }

    /// Ends a COPY in: the rows are there (in the open transaction) when this returns.
    /// - Returns: how many.
    @discardableResult
    public func endCopyIn() throws(PostgresError) -> Int { try endCopyIn(error: nil) }

    /// Ends a COPY in so that it fails: nothing of it stays. The expected error is not thrown.
    public func failCopyIn(_ reason: String) throws(PostgresError) {
        do throws(PostgresError) {
            _ = try endCopyIn(error: reason)
        } catch {
            if !error.has("57014") { throw error }
        }
    }

    private func endCopyIn(error: String?) throws(PostgresError) -> Int {
        while true {
            guard pointer != nil else { throw closedError() }
            switch PQputCopyEnd(pointer, error) {
            case 1: return try collect().affectedRows
            case 0: try flush()
            default: throw sessionError()
            }
        }
    }

    private func beginCopy(_ sql: String, _ wanted: ExecStatusType) throws(PostgresError) {
        try begin()
        guard PQsendQuery(pointer, sql) == 1 else { throw sessionError() }
        try flush()
        try expectCopy(wanted)
    }

    /// Takes the server's word that the COPY that was sent has begun.
    func expectCopy(_ wanted: ExecStatusType) throws(PostgresError) {
        guard let next = try nextPointer() else { throw sessionError() }
        let result = QueryResult(next)
        if result.status == wanted { return }
        let error = result.status == PGRES_FATAL_ERROR ? resultError(next) : PostgresError(.permanent, "the statement is no COPY of the expected kind")
        if result.status == PGRES_FATAL_ERROR {
            while let rest = try nextPointer() { PQclear(rest) }
        } else {
            close()
        }
        throw error
    }
}
