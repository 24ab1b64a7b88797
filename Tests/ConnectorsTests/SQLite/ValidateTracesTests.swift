import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

/// `validate` looks into files and leaves them, and their folders, as they were.
@Suite struct ValidateTracesTests {
    @Test(arguments: ["SqliteSource", "SqliteSink"]) func aClosedFileGetsNoCompanions(className: String) throws {
        let folder = try TemporaryFolder()
        let database = try Database(path: folder.file("shop.db"), mode: .create)
        _ = try database.text("PRAGMA journal_mode = WAL")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        database.close()
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(before == ["shop.db"])
        let bytes = try Data(contentsOf: URL(filePath: folder.file("shop.db")))
        let own = className == "SqliteSource" ? ConfigMap(["topic.prefix": "p"]) : ConfigMap(["topics": "t"])
        for depth in [CheckRequest.Depth.start, .thorough] {
            var map = own
            map["connection.url"] = .some("sqlite:\(folder.file("shop.db"))")
            #expect(try Checks.findings(className, map, depth).troubles == [])
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
        #expect(try Data(contentsOf: URL(filePath: folder.file("shop.db"))) == bytes)
    }
}
