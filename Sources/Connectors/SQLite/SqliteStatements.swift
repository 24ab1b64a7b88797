internal import ConnectRuntime
internal import SQLite

typealias SqliteLayout = SinkLayout<SqliteStatements>

/// Prepared statements of a layout on a table.
final class SqliteStatements: SinkStatements {
    let write: Statement?
    let delete: Statement?
    let truncate: Statement
    let keepsOrder: Bool
    let setsAll: Bool
    /// Per column of the layout: how a text holds other values too.
    let encodings: [SqliteParameters.Encoding?]

    init(write: Statement?, delete: Statement?, truncate: Statement, keepsOrder: Bool, setsAll: Bool, encodings: [SqliteParameters.Encoding?]) {
        self.write = write
        self.delete = delete
        self.truncate = truncate
        self.keepsOrder = keepsOrder
        self.setsAll = setsAll
        self.encodings = encodings
    }
}
