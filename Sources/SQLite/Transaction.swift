/// SQLite's ways to begin.
public enum TransactionKind: String, Sendable {
    /// Takes no lock before the first statement needs one.
    case deferred = "BEGIN DEFERRED"
    /// Takes the write lock at once, so that nothing later can fail for the want of it.
    case immediate = "BEGIN IMMEDIATE"
}

extension Database {
    /// Runs a body in a transaction: commits when it returns, rolls back when it or the COMMIT throws.
    public func transaction<R>(_ kind: TransactionKind, _ body: () throws -> R) throws -> R {
        try execute(kind.rawValue)
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            rollBack()
            throw error
        }
    }

    /// Ends an open transaction without its changes; does nothing when none is open (a full disk has ended it already).
    public func rollBack() {
        // A ROLLBACK that fails leaves nothing to do but close the connection, and every later statement will say so.
        if isInTransaction { try? execute("ROLLBACK") }
    }
}
