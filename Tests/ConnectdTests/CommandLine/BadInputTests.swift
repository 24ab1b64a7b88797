import ConnectTesting
import Foundation
import SQLite
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
        Input(name: "an array", text: "[1]", says: ["config.no_name"]), Input(name: "nothing", text: "", says: ["file.empty", "the file is empty"]),
        Input(name: "blanks", text: "\u{FEFF} \n", says: ["file.empty"]),
        Input(name: "malformed behind a byte order mark", text: "\u{FEFF}{\"connectors\": {\n  \"shop\": {,}}}", says: ["json.malformed", "connectors.json:2:12"]),
        Input(name: "properties behind a byte order mark", text: "\u{FEFF}name=a\nconnector.class=SqliteSource\nbogus.key=1\n", says: ["config.unknown_key", "bogus.key"]),
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
            let database = try Database(path: folder.file("x.db"), mode: .create)
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
            database.close()
            let text = "name=a\nconnector.class=SqliteSource\nconnection.url=sqlite:${env:WHERE}/x.db\ntopic.prefix=p\n"
            try text.write(toFile: folder.file("a.properties"), atomically: false, encoding: .utf8)
            let finished = try ChildProcess.run(["validate", "."], in: folder.path, variables: ["WHERE": folder.path])
            #expect(finished.ending == .exit(0), "\(finished.output)\(finished.errors)")
            #expect(finished.output.contains("1 connector - 1 ok - 0 problems"), "\(finished.output)")
            let json = try ChildProcess.run(["validate", ".", "-o", "json"], in: folder.path, variables: ["WHERE": folder.path])
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(object?["ok"] as? Int == 1)
        }
    }

    /// What is wrong with the files a configuration names is found by `validate`, which makes none.
    static let places = [
        Input(
            name: "missing file", text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\",\n  \"connection.url\": \"sqlite:none.db\"",
            says: ["error: sqlite.missing ", "connectors.json:2:3", "/connectors/a/connection.url", "none.db does not exist"]),
        Input(
            name: "no database", text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\",\n  \"connection.url\": \"sqlite:text.db\"",
            says: ["sqlite.not_a_database", "connectors.json:2:3", "text.db is no SQLite database"]),
        Input(
            name: "a folder", text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\",\n  \"connection.url\": \"sqlite:.\"",
            says: ["sqlite.not_a_database", "connectors.json:2:3"]),
        Input(
            name: "missing table",
            text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\",\n\"table.include.list\": \"orders,custmers\"",
            says: ["sqlite.missing_table", "connectors.json:2:1", "/connectors/a/table.include.list", "has no table custmers", "did you mean customers?"]),
        Input(
            name: "unique index beside the key",
            text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\",\n\"table.include.list\": \"mails\"",
            says: ["sqlite.replace_hazard", "connectors.json", "INSERT OR REPLACE can delete rows of mails", "replace.guard=accept"]),
        Input(
            name: "key column that is not there",
            text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\", \"table.include.list\": \"orders\",\n\"message.key.columns\": \"orders:idd\"",
            says: ["sqlite.unknown_column", "connectors.json:2:1", "did you mean id?"]),
        Input(
            name: "no AUTOINCREMENT",
            text: "\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\", \"table.include.list\": \"orders\",\n\"capture\": \"events\"",
            says: ["sqlite.no_autoincrement", "connectors.json:2:1"]),
        Input(
            name: "the target's folder", text: "\"connector.class\": \"SqliteSink\", \"topics\": \"t\",\n\"connection.url\": \"sqlite:nowhere/copy.db\"",
            says: ["sqlite.no_folder", "connectors.json:2:1", "does not exist: nowhere"]),
        Input(
            name: "the target is no database", text: "\"connector.class\": \"SqliteSink\", \"topics\": \"t\",\n\"connection.url\": \"sqlite:text.db\"",
            says: ["sqlite.not_a_database", "connectors.json:2:1"]),
    ]

    private func shop() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let database = try Database(path: folder.file("shop.db"), mode: .create)
        try database.execute(
            """
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER);
            CREATE TABLE mails (id INTEGER PRIMARY KEY, address TEXT UNIQUE);
            CREATE TABLE notes (text TEXT);
            """)
        database.close()
        try String(repeating: "no database ", count: 100).write(toFile: folder.file("text.db"), atomically: false, encoding: .utf8)
        return folder
    }

    private func validate(_ settings: String, in folder: TemporaryFolder) throws -> (ending: ChildProcess.Ending, output: String) {
        try "{\"connectors\": {\"a\": {\(settings)}}}".write(toFile: folder.file("connectors.json"), atomically: false, encoding: .utf8)
        func databases() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".db") }.sorted() }
        let before = try databases()
        let finished = try ChildProcess.run(["validate", "connectors.json"], in: folder.path)
        #expect(try databases() == before)
        return (finished.ending, finished.output + finished.errors)
    }

    @Test(arguments: places)
    func validateLooksIntoTheFilesThatAreNamed(_ input: Input) async throws {
        try await onThread {
            let finished = try validate(input.text, in: shop())
            #expect(finished.ending == .exit(2), "\(finished.output)")
            for words in input.says { #expect(finished.output.contains(words), "\(finished.output)") }
        }
    }

    @Test(arguments: [
        ("\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\", \"table.include.list\": \"notes\"", "sqlite.no_key"),
        ("\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\", \"table.include.list\": \"later_.*\"", "sqlite.no_tables"),
        ("\"connector.class\": \"SqliteSource\", \"topic.prefix\": \"p\", \"connection.url\": \"sqlite:shop.db\", \"table.include.list\": \"mails\", \"replace.guard\": \"accept\"", "0 problems"),
        ("\"connector.class\": \"SqliteSink\", \"topics\": \"t\", \"connection.url\": \"sqlite:copy.db\"", "0 problems"),
        ("\"connector.class\": \"SqliteSink\", \"topics\": \"t\", \"connection.url\": \"sqlite:shop.db\"", "0 problems"),
    ])
    func whatOnlyDeservesAWarningPasses(_ settings: String, _ words: String) async throws {
        try await onThread {
            let finished = try validate(settings, in: shop())
            #expect(finished.ending == .exit(0), "\(finished.output)")
            #expect(finished.output.contains(words), "\(finished.output)")
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
