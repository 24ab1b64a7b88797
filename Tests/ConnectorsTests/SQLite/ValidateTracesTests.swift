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
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(className) { $0 == .source || $0 == .sink })
        let config = try plugin.definition.parsed(ConfigMap(["connection.url": "sqlite:\(folder.file("shop.db"))", "topic.prefix": "p", "topics": "t"]))
        switch plugin.factory {
        case .source(let make): #expect(make().check(config).isEmpty)
        case .sink(let make): #expect(make().check(config).isEmpty)
        default: return
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
        #expect(try Data(contentsOf: URL(filePath: folder.file("shop.db"))) == bytes)
    }
}
