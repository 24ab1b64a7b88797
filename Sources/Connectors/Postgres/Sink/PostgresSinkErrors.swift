internal import ConnectRuntime
internal import Postgres

extension PostgresSinkSession {
    func isRecordsFault(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        if error.blamesData { return true }
        // The same row twice in one statement (alone it passes), a row or index entry too big, and what triggers raise.
        return error.has("21000", "54000") || (error.sqlState?.hasPrefix("P0") ?? false)
    }

    func isStale(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        // No such table, column, schema or unique key any more, another type, a plan whose result changed, a prepared statement that is gone.
        return error.has("42P01", "42703", "3F000", "42P10", "42804", "42883", "0A000", "26000", "428C9", "42846", "XX000") && !connectionIsGone
    }

    private var connectionIsGone: Bool { !connection.isOpen }

    /// A COMMIT whose answer never came.
    func leavesDoubt(_ error: any Error) -> Bool {
        guard isCommitting, let error = error as? PostgresError else { return false }
        return error.family == .connection || error.family == .interrupted || connectionIsGone
    }

    func dataError(_ error: any Error) -> ConnectError {
        guard let error = error as? PostgresError else { return ConnectError(error) }
        var causes = ["SQLSTATE \(error.sqlState ?? "unknown")"]
        if let constraint = error.constraint { causes.append("constraint \(constraint)") }
        return ConnectError(
            .data, code: error.sqlState?.hasPrefix("23") ?? false ? "sink.constraint" : "sink.refused", "the table refuses the record: \(error.message)", causes: causes)
    }
}

extension PostgresError {
    /// Two made the same schema, table or column at the same moment: the other one's is there now.
    var isRaceOfMakers: Bool { has("23505", "42P06", "42P07", "42701", "42710") || (sqlState == "XX000" && message.contains("concurrently")) }
}
