import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Synchronization
import Testing

/// The built-in connectors and the example keep to the contracts.
@Suite(.serialized) struct ConnectorsConformanceTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    func plugin(_ name: String, _ kind: PluginKind) throws -> Plugin {
        try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(name) { $0 == kind })
    }

    @Test(arguments: SourceConnectorConformance.cases) func sqliteSource(_ one: ConformanceCase<SourceSubject>) async throws {
        let path = folder.file("source.db"), plugin = try plugin("SqliteSource", .source)
        let config = ConfigMap(["connection.url": "sqlite:\(path)", "topic.prefix": "p", "value.shape": "flat", "batch.max.rows": "4"])
        try await onThread {
            let database = try Database(path: path, mode: .create)
            _ = try database.text("PRAGMA journal_mode = WAL")
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
            database.close()
            let arming = try SourceRun("SqliteSource", config)
            try arming.start()
            arming.stop()
            try one.run(
                SourceSubject(plugin: plugin, config: config) { count in
                    let writer = try Database(path: path, mode: .readWrite)
                    defer { writer.close() }
                    for _ in 0..<count { try writer.execute("INSERT INTO t (v) VALUES (hex(randomblob(4)))") }
                })
        }
    }

    @Test(arguments: SourceConnectorConformance.cases) func fileStreamSource(_ one: ConformanceCase<SourceSubject>) async throws {
        let path = folder.file("in.txt"), plugin = try plugin("FileStreamSource", .source)
        let written = Counter()
        try await onThread {
            try Data().write(to: URL(fileURLWithPath: path))
            try one.run(
                SourceSubject(plugin: plugin, config: ConfigMap(["file": path, "topic": "t"])) { count in
                    let file = try #require(FileHandle(forWritingAtPath: path))
                    try file.seekToEnd()
                    for _ in 0..<count {
                        written.add()
                        try file.write(contentsOf: Data("line \(written.value)\n".utf8))
                    }
                    try file.close()
                })
        }
    }

    @Test(arguments: SourceConnectorConformance.cases) func theExample(_ one: ConformanceCase<SourceSubject>) async throws {
        let path = folder.file("spool")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let written = Counter()
        try await onThread {
            try one.run(
                SourceSubject(plugin: FolderSource.plugin, config: ConfigMap(["folder": path, "topic": "files"])) { count in
                    for _ in 0..<count {
                        written.add()
                        let name = "order-" + String(String(100_000 + written.value).dropFirst())
                        try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/" + name))
                    }
                })
        }
    }

    @Test(arguments: SinkConnectorConformance.cases) func sqliteSink(_ one: ConformanceCase<SinkSubject>) async throws {
        let path = folder.file("copy.db"), plugin = try plugin("SqliteSink", .sink)
        try await onThread {
            try one.run(
                SinkSubject(
                    plugin: plugin, config: ConfigMap(["connection.url": "sqlite:\(path)", "table.name.format": "t"]),
                    record: { SqliteSinkTests.flat(Int64($0), Int64($0)) },
                    written: {
                        guard FileManager.default.fileExists(atPath: path) else { return [] }
                        let database = try Database(path: path, mode: .readOnly)
                        defer { database.close() }
                        guard try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == 1 else { return [] }
                        let select = try database.prepare("SELECT id FROM t ORDER BY id")
                        var ids: [Int] = []
                        while try select.step() { ids.append(Int(select.int64(at: 0))) }
                        return ids
                    }))
        }
    }

    @Test(arguments: SinkConnectorConformance.cases) func fileStreamSink(_ one: ConformanceCase<SinkSubject>) async throws {
        let path = folder.file("out.txt"), plugin = try plugin("FileStreamSink", .sink)
        try await onThread {
            try one.run(
                SinkSubject(
                    plugin: plugin, config: ConfigMap(["file": path]),
                    record: { Record(topic: "t", valueSchema: .plain(.string), value: .string(String($0))) },
                    written: {
                        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
                        return text.split(separator: "\n").compactMap { Int($0) }.sorted()
                    }))
        }
    }

    @Test func theDocumentShowsTheExample() throws {
        let code = try String(contentsOf: Self.root.appendingPathComponent("Sources/ConnectTesting/Examples/FolderSource.swift"), encoding: .utf8)
        let document = try String(contentsOf: Self.root.appendingPathComponent("docs/write-a-connector.md"), encoding: .utf8)
        #expect(document.contains("```swift\n" + code + "```\n"))
    }

    @Test func theConfigurationOfTheDocumentIsValid() throws {
        let document = try String(contentsOf: Self.root.appendingPathComponent("docs/write-a-connector.md"), encoding: .utf8)
        let start = try #require(document.range(of: "```json\n")), end = try #require(document[start.upperBound...].range(of: "```"))
        let map = try ConfigMap(json: try JSON.parse(String(document[start.upperBound..<end.lowerBound])))
        #expect(PluginCatalogue([FolderSource.plugin]).find(try #require(map.text("connector.class"))) { $0 == .source } != nil)
        #expect(FolderSource.plugin.definition.parse(map).problems == [])
        #expect(FolderSource.plugin.definition.unknownNames(in: map).map(\.name) == ["connector.class"])
    }
}
