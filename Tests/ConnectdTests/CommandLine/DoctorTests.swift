import ConnectTesting
import Foundation
import Glibc
import Postgres
import PostgresTesting
import SQLite
import Testing

/// `doctor` from outside: a file with connectors of all kinds, what it prints, and how it ends.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable)) struct DoctorTests {
    private static let secret = "s3cr3t%of the shop"

    private func write(_ connectors: [String: [String: String]], in folder: TemporaryFolder) throws {
        try JSONSerialization.data(withJSONObject: ["connectors": connectors], options: [.prettyPrinted, .sortedKeys]).write(to: URL(filePath: folder.file("connectors.json")))
    }

    private func doctor(_ options: [String] = [], in folder: TemporaryFolder) throws -> ChildProcess.Finished {
        let finished = try ChildProcess.run(["doctor", "connectors.json"] + options, in: folder.path, seconds: 120)
        #expect(!(finished.output + finished.errors).contains(Self.secret), "\(finished.output)")
        return finished
    }

    @Test func everyConnectorOfAFileIsExamined() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), server = try PostgresServer(PostgresServer.Options(isDurable: true)), database = try server.makeDatabase()
            let sql = try server.connect(database)
            let shop = try Database(path: folder.file("shop.db"), mode: .create)
            try shop.execute("PRAGMA journal_mode = WAL; CREATE TABLE items (id INTEGER PRIMARY KEY)")
            try sql.execute("CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
            let postgres = ["connector.class": "PostgresSource", "connection.url": server.url(database), "topic.prefix": "p"]
            try write(
                [
                    "orders": postgres.merging(["table.include.list": "public.orders"]) { $1 },
                    "fence": postgres.merging(["table.include.list": "public.events", "mode": "fence"]) { $1 },
                    "events": postgres.merging(["table.include.list": "public.events", "capture": "events"]) { $1 },
                    "rows": postgres.merging(["table.include.list": "public.events", "mode": "incrementing"]) { $1 },
                    "mirror": ["connector.class": "PostgresSink", "connection.url": server.url(database), "topics": "t"],
                    "items": ["connector.class": "SqliteSource", "connection.url": "sqlite:shop.db", "topic.prefix": "s"],
                    "copy": ["connector.class": "SqliteSink", "connection.url": "sqlite:copy.db", "topics": "t"],
                    "lines": ["connector.class": "FileStreamSource", "file": "connectors.json", "topic": "lines"],
                ], in: folder)
            let well = try doctor(in: folder)
            #expect(well.ending == .exit(0), "\(well.output)")
            for name in ["orders  PostgresSource", "fence  PostgresSource", "mirror  PostgresSink", "items  SqliteSource", "copy  SqliteSink", "lines  FileStreamSource"] {
                #expect(("\n" + well.output).contains("\n\(name)\n"), "\(well.output)")
            }
            #expect(well.output.contains("Summary: 8 connectors - 8 ok - 1 warning - 0 problems"), "the JDBC mode's: \(well.output)")
            #expect(well.output.contains("config.may_lose_rows"))

            // A fault of one hides nothing of the others, and is mended by what is printed.
            try sql.execute("BEGIN; INSERT INTO orders VALUES (1)")
            let waiting = try doctor(["--long", "0", "--json"], in: folder)
            try sql.execute("COMMIT")
            #expect(waiting.ending == .exit(0))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(waiting.output.utf8)) as? [String: Any])
            let all = try #require(object["connectors"] as? [[String: Any]])
            #expect(all.count == 8)
            for connector in all where ["orders", "fence", "events", "rows", "mirror"].contains(connector["name"] as? String) {
                let findings = try #require(connector["findings"] as? [[String: Any]])
                let idle = try #require(findings.first { $0["code"] as? String == "postgres.idle_in_transaction" }, "\(connector)")
                #expect(idle["severity"] as? String == "warning" && idle["cost"] is String && idle["statements"] as? [String] == ["SELECT pg_terminate_backend(\(sql.backendProcess))"])
            }
            try server.stop("immediate")
        }
    }

    /// Whether another user may run the program, so that rights can be tried out though root has all.
    private static let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    private static let isRunByOthers = getuid() != 0 || (try? ConnectTesting.ChildProcess.run(nobody + ["test", "-x", Environment.program])) == 0

    @Test(.enabled(if: isRunByOthers, "another user must be able to run the program")) func aFileThatMayNotBeWrittenIsFound() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let shop = try Database(path: folder.file("shop.db"), mode: .create)
            try shop.execute("CREATE TABLE items (id INTEGER PRIMARY KEY)")
            shop.close()
            try write(
                [
                    "items": ["connector.class": "SqliteSource", "connection.url": "sqlite:shop.db", "topic.prefix": "s"],
                    "copy": ["connector.class": "SqliteSink", "connection.url": "sqlite:shop.db", "topics": "t"],
                    "lines": ["connector.class": "FileStreamSink", "file": "lines", "topics": "t"],
                ], in: folder)
            chmod(folder.file("shop.db"), 0o444)
            chmod(folder.file("connectors.json"), 0o444)
            chmod(folder.path, 0o555)
            defer { chmod(folder.path, 0o755) }
            let output = "/tmp/connectd-doctor-\(UUID().uuidString)"
            defer { unlink(output) }
            let code = try ConnectTesting.ChildProcess.run((getuid() == 0 ? Self.nobody : []) + [Environment.program, "doctor", "connectors.json"], outputPath: output, directory: folder.path)
            let words = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            #expect(code == 3, "\(words)")
            #expect(words.components(separatedBy: "error: sqlite.read_only").count == 3 && words.contains("error: file.unwritable"), "\(words)")
        }
    }

    @Test func exitCodesSayWhoseFaultItIs() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), server = try PostgresServer.shared(), database = try server.makeDatabase()
            let good = ["connector.class": "FileStreamSource", "file": "connectors.json", "topic": "lines"]
            let down = ["connector.class": "PostgresSource", "connection.url": "postgresql://127.0.0.1:1/x", "connection.password": Self.secret, "topic.prefix": "p"]
            let wrong = ["connector.class": "PostgresSource", "connection.url": server.url(database), "topic.prefix": "p", "table.include.list": "public.nothing"]
            let cases: [(connectors: [String: [String: String]], code: Int32, says: String)] = [
                (["good": good], 0, "ok connectors.json: "), (["good": good, "down": down], 3, "postgres.source.connection"),
                (["good": good, "down": down, "wrong": wrong], 2, "postgres.source.no_table"), (["good": good.merging(["fiel": "x"]) { $1 }], 2, "did you mean \"file\"?"),
            ]
            for example in cases {
                try write(example.connectors, in: folder)
                let finished = try doctor(in: folder)
                #expect(finished.ending == .exit(example.code) && finished.output.contains(example.says), "\(finished.output)\(finished.errors)")
            }
            let usage = try doctor(["--long", "soon"], in: folder)
            #expect(usage.ending == .exit(2) && usage.errors.contains("--long is \"soon\""))
            let missing = try ChildProcess.run(["doctor", "nothing.json"], in: folder.path)
            #expect(missing.ending == .exit(2) && missing.output.contains("file.unreadable"))
        }
    }
}
