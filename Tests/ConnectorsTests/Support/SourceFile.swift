import ConnectTesting
import SQLite

extension TemporaryFolder {
    /// The file `source.db`, as an application makes it: in WAL mode.
    func makeSource() throws -> Database {
        let database = try Database(path: file("source.db"), mode: .create)
        _ = try database.text("PRAGMA journal_mode = WAL")
        return database
    }
}
