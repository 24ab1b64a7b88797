import ConnectTesting
import Foundation
import Testing

/// Bad input gets an error that names the place and the next step, and the exit code that fits; nothing is started, nothing crashes (P9).
@Suite(.serialized) struct BadInputTests {
    struct Input: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let says: [String]
        var testDescription: String { name }
    }

    static let inputs = [
        Input(
            name: "unknown key",
            text: "{\"connectors\": {\"shop\": {\n  \"connector.class\": \"SqliteSource\",\n  \"connection.url\": \"sqlite:a.db\",\n  \"topic.prefix\": \"shop\",\n  \"tabel.include.list\": \"x\"}}}",
            says: ["config.unknown_key", "connectors.json:5:3", "/connectors/shop/tabel.include.list", "did you mean \"table.include.list\"?"]),
        Input(name: "malformed", text: "{\"connectors\": {\n  \"shop\": {,}}}", says: ["json.malformed", "connectors.json:2:12"]),
        Input(name: "cut short", text: "{\"connectors\": {", says: ["json.malformed", "connectors.json:1:17"]),
        Input(
            name: "duplicate name", text: "{\"connectors\": {\"a\": {\"x\": \"1\",\n\"x\": \"2\"}}}",
            says: ["json.duplicate_name", "connectors.json:2:1", "stands twice", "remove one of the two"]),
        Input(
            name: "unknown class", text: "{\"connectors\": {\"a\": {\"connector.class\": \"SqlitSource\"}}}",
            says: ["config.unknown_class", "connectors.json:1:23", "did you mean \"SqliteSource\"?"]),
        Input(name: "no class", text: "{\"connectors\": {\"a\": {\"topics\": \"x\"}}}", says: ["config.missing", "connector.class"]),
        Input(
            name: "wrong type", text: "{\"connectors\": {\"a\": {\"connector.class\": \"SqliteSource\", \"connection.url\": \"sqlite:a\", \"topic.prefix\": \"p\",\n\"tasks.max\": \"many\"}}}",
            says: ["config.invalid_value", "connectors.json:2:1", "/connectors/a/tasks.max", "Not a number of type INT"]),
        Input(
            name: "missing key", text: "{\"name\": \"a\", \"connector.class\": \"SqliteSource\"}",
            says: ["config.missing", "Missing required configuration"]),
        Input(name: "nested", text: "{\"connectors\": {\"a\": {\"connector.class\": [\"SqliteSource\"]}}}", says: ["config.not_text", "/connectors/a/connector.class"]),
        Input(
            name: "undefined variable",
            text: "{\"name\": \"a\", \"config\": {\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\",\n \"connection.url\": \"${env:CONNECTD_TEST_NOT_SET}\"}}",
            says: ["env.undefined", "connectors.json:2:2", "CONNECTD_TEST_NOT_SET is not set"]),
        Input(name: "unknown part", text: "{\"connectors\": {}, \"workers\": {}}", says: ["config.unknown_key", "did you mean \"worker\"?"]),
        Input(
            name: "unknown worker setting", text: "{\"connectors\": {}, \"worker\": {\"offset.flush.intervall.ms\": 1}}",
            says: ["config.unknown_key", "/worker/offset.flush.intervall.ms", "did you mean \"offset.flush.interval.ms\"?"]),
        Input(name: "another name inside", text: "{\"connectors\": {\"a\": {\"name\": \"b\"}}}", says: ["config.name_mismatch", "calls itself \"b\""]),
        Input(name: "an array", text: "[1]", says: ["config.no_name"]), Input(name: "nothing", text: "", says: ["config.no_name"]),
        Input(name: "no shape", text: "{}", says: ["config.shape", "declares no connectors"]),
        Input(name: "properties without name", text: "connector.class=SqliteSource\n", says: ["config.no_name", "name=…"]),
        Input(name: "properties", text: "name=a\nconnector.class=SqliteSource\nbogus.key=1\n", says: ["config.unknown_key", "bogus.key"]),
    ]

    @Test(arguments: inputs)
    func validateAndStandaloneRefuseIt(_ input: Input) async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            try input.text.write(toFile: folder.file("connectors.json"), atomically: false, encoding: .utf8)
            let validated = try ChildProcess.run(["validate", "connectors.json"], in: folder.path)
            #expect(validated.ending == .exit(2), "\(validated.output)\(validated.errors)")
            for words in input.says { #expect(validated.output.contains(words), "\(validated.output)") }
            let started = try ChildProcess.run(["standalone", "connectors.json", "--listen", "127.0.0.1:0"], in: folder.path)
            #expect(started.ending == .exit(2), "\(started.output)\(started.errors)")
            for words in input.says { #expect(started.errors.contains(words), "\(started.errors)") }
            #expect(!FileManager.default.fileExists(atPath: folder.file("connectd-data")), "something was started")
        }
    }

    @Test func whatIsRightPasses() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let text = "name=a\nconnector.class=SqliteSource\nconnection.url=sqlite:${env:WHERE}/x.db\ntopic.prefix=p\n"
            try text.write(toFile: folder.file("a.properties"), atomically: false, encoding: .utf8)
            let finished = try ChildProcess.run(["validate", "."], in: folder.path, variables: ["WHERE": "/tmp"])
            #expect(finished.ending == .exit(0), "\(finished.output)\(finished.errors)")
            #expect(finished.output.contains("1 connector - 1 ok - 0 problems"), "\(finished.output)")
            let json = try ChildProcess.run(["validate", ".", "-o", "json"], in: folder.path, variables: ["WHERE": "/tmp"])
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(object?["ok"] as? Int == 1)
        }
    }

    @Test func filesThatCannotBeReadAreNamed() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let finished = try ChildProcess.run(["standalone", "missing.json"], in: folder.path)
            #expect(finished.ending == .exit(2))
            #expect(finished.errors.contains("file.unreadable") && finished.errors.contains("missing.json"), "\(finished.errors)")
        }
    }
}
