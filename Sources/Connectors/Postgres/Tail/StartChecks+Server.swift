internal import ConnectRuntime
internal import Postgres

extension StartChecks.Server {
    /// Asks a server about itself.
    /// - Parameter readsChanges: whether there is a change table, and it is looked at.
    static func read(_ connection: Connection, readsChanges: Bool) throws -> (server: StartChecks.Server, database: String) {
        // Asked before the snapshot: numbers grow meanwhile.
        var greatest: UInt64?
        if readsChanges {
            let result = try connection.execute(TailSQL.greatestXid)
            greatest = result.rowCount == 1 ? result.text(0, 0).flatMap { UInt64($0) } : nil
        }
        let row = try connection.execute(TailSQL.server)
        guard let snapshot = row.text(0, 3).flatMap({ XidSnapshot($0) }), let timeline = row.text(0, 2).flatMap({ Int64($0, radix: 16) }) else {
            throw ConnectError(.fatal, code: "postgres.source.server", "the server describes itself in a way that is not understood")
        }
        let server = StartChecks.Server(
            isStandby: row.boolean(0, 0), version: connection.serverVersion,
            history: ServerHistory(system: row.text(0, 1) ?? "", timeline: timeline), snapshot: snapshot, greatestXid: greatest,
            end: row.text(0, 5).flatMap { LogPosition($0) })
        return (server, row.text(0, 4) ?? "")
    }
}
