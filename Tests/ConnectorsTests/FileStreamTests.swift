import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import Testing

@Suite(.serialized) struct FileStreamTests {
    let folder: TemporaryFolder
    let path: String
    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("in.txt")
    }

    func source(_ context: TestSourceContext = TestSourceContext()) throws -> SourceRun {
        let run = try SourceRun("FileStreamSource", ConfigMap(["file": path, "topic": "lines", "batch.size": "2"]), context: context)
        // Polls look once and do not wait.
        context.wakeUp.set()
        return run
    }
    func append(_ text: String) throws {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }
    func lines(_ run: SourceRun) throws -> [Value] { try run.poll().entries.map(\.record.value) }

    @Test func linesBecomeRecordsAndGoOnAfterARestart() throws {
        let run = try source()
        try run.start()
        #expect(try lines(run) == [])
        try append("one\ntwo\r\nthr")
        #expect(try lines(run) == [.string("one"), .string("two")])
        #expect(try lines(run) == [])
        try append("ee\n\nfive\n")
        #expect(try lines(run) == [.string("three"), .string("")])
        run.stop()
        #expect(run.context.offsets.map { String(decoding: $0.key.json, as: UTF8.self) + String(decoding: $0.value.json, as: UTF8.self) } == ["{\"filename\":\"\(path)\"}{\"position\":16}"])
        let again = try source(run.context)
        try again.start()
        #expect(try lines(again) == [.string("five")])
    }

    @Test func aFileThatWasCutIsAnError() throws {
        try append("one\ntwo\n")
        let run = try source()
        try run.start()
        _ = try run.poll()
        run.stop()
        try Data("x\n".utf8).write(to: URL(fileURLWithPath: path))
        let again = try source(run.context)
        try again.start()
        let error = #expect(throws: ConnectError.self) { try again.poll() }
        #expect(error?.code == "file.shorter")
    }

    @Test func bytesThatAreNoTextAreAnError() throws {
        try Data([0x61, 0x0a, 0xff, 0x0a]).write(to: URL(fileURLWithPath: path))
        let run = try source()
        try run.start()
        let error = #expect(throws: ConnectError.self) { try run.poll() }
        #expect(error?.message.contains("line at byte 2") == true)
    }

    @Test func offsetsAreCheckedBeforeTheyAreChanged() throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("FileStreamSourceConnector") { $0 == .source })
        guard case .source(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no source") }
        let config = plugin.definition.parse(ConfigMap(["file": path, "topic": "t"])).config
        func alter(_ partition: String, _ offset: String?) throws -> Bool {
            try make().alterOffsets(config, [(SourcePartition(storedJSON: Array(partition.utf8)), offset.map { SourceOffset(storedJSON: Array($0.utf8)) })])
        }
        #expect(try alter("{\"filename\":\"a\"}", "{\"position\":7}"))
        #expect(try alter("{}", nil))
        for (partition, offset, words) in [
            ("{}", "{\"position\":1}", "Partition objects should contain the key 'filename'"),
            ("{\"filename\":\"a\"}", "{\"position\":-1}", "The value for the 'position' key in the offset should be a non-negative value"),
            ("{\"filename\":\"a\"}", "{\"position\":\"x\"}", "The value for the 'position' key in the offset is expected to be a Long value"),
        ] {
            let error = #expect(throws: ConnectError.self) { try alter(partition, offset) }
            #expect(error?.message == words)
        }
    }

    @Test func valuesAreAppendedAsLines() throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("FileStreamSink") { $0 == .sink })
        guard case .sink(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no sink") }
        let task = make().makeTask()
        let out = folder.file("out.txt")
        try task.start(plugin.definition.parse(ConfigMap(["file": out])).config, context: TestSinkContext())
        let topic = TestTopic("t")
        topic.records = [
            Record(topic: "t", valueSchema: .plain(.string), value: .string("raw \"text\"")), Record(topic: "t", value: .map([.init(key: .string("a"), value: .int64(1))])),
        ]
        try task.put(topic.batch(from: 0, count: 2))
        let offsets = [topic.partition: CommittedOffset(offset: 2)]
        #expect(try task.preCommit(offsets) == offsets)
        task.stop()
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "raw \"text\"\n{\"a\":1}\n")
    }
}

/// What is found about the files before anything starts.
@Suite struct FileCheckTests {
    @Test func filesAndFoldersAreLookedAt() throws {
        let folder = try TemporaryFolder()
        try "one\n".write(toFile: folder.file("there"), atomically: false, encoding: .utf8)
        func source(_ path: String) throws -> [String] { try Checks.findings("FileStreamSource", ConfigMap(["file": path, "topic": "t"])).map { "\($0.severity) \($0.code)" } }
        func sink(_ path: String) throws -> [String] { try Checks.findings("FileStreamSink", ConfigMap(["file": path]), kind: .sink).map { "\($0.severity) \($0.code)" } }
        #expect(try source(folder.file("there")) == ["ok file.readable"])
        #expect(try source(folder.file("later")) == ["warning file.missing"])
        #expect(try source(folder.path) == ["error file.is_folder"])
        #expect(try source(folder.file("there/below")) == ["error file.unreadable"])
        #expect(try sink(folder.file("there")) == ["ok file.writable"])
        #expect(try sink(folder.file("later")) == ["ok file.will_create"])
        #expect(try sink(folder.path) == ["error file.is_folder"])
        #expect(try sink(folder.file("nowhere/later")) == ["error file.no_folder"])
        #expect(try Checks.findings("FileStreamSource", ConfigMap(["topic": "t"])).map(\.code) == ["file.standard_input"])
        #expect(try Checks.findings("FileStreamSink", ConfigMap([]), kind: .sink).map(\.code) == ["file.standard_output"])
    }
}
