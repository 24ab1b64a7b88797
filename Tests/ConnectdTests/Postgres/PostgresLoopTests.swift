import ConnectTesting
import Foundation
import Postgres
import PostgresTesting
import Testing

/// A source and a sink of one file that would feed each other: found before the start, and stopped where it runs all the same.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable)) struct PostgresLoopTests {
    private static let renaming = ["transforms": "r", "transforms.r.type": "RegexRouter", "transforms.r.regex": "p\\.public\\.(.*)", "transforms.r.replacement": "renamed.$1"]

    @Test func itIsFoundBeforeTheStartAndStoppedWhereItRuns() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), server = try PostgresServer.shared(), database = try server.makeDatabase()
            let sql = try server.connect(database)
            try sql.execute("CREATE TABLE orders (id int PRIMARY KEY, total numeric); INSERT INTO orders VALUES (1, 10), (2, 20)")
            // The sink stands first: it is asked last all the same.
            var sink = ["connector.class": "PostgresSink", "connection.url": server.url(database), "topics": "renamed.orders"]
            let source = ["connector.class": "PostgresSource", "connection.url": server.url(database), "topic.prefix": "p", "poll.interval.ms": "20"].merging(Self.renaming) { $1 }
            func write() throws {
                try JSONSerialization.data(withJSONObject: ["connectors": ["a-copy": sink, "shop": source]], options: [.sortedKeys]).write(to: URL(filePath: folder.file("connectors.json")))
            }
            try write()
            for command in ["validate", "doctor"] {
                let found = try ChildProcess.run([command, "connectors.json"], in: folder.path)
                #expect(found.ending == .exit(2) && found.output.contains("sink.loop"), "\(command): \(found.output)\(found.errors)")
                #expect(found.output.contains("table public.orders of database \"\(database)\"") && found.output.contains("captured by connector shop into topic renamed.orders"), "\(found.output)")
            }
            let worker = try Worker([folder.file("connectors.json")], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try worker.waitUntilReady()
            let trace = try eventually(within: 60) { () -> String? in
                let states = try worker.taskStates("a-copy")
                return states.first?.state == "FAILED" ? states.first?.trace : nil
            }
            #expect(trace?.contains("sink.loop") == true, "\(trace ?? "not failed"): \(worker.process.errors.suffix(2000))")
            #expect(try worker.taskStates("shop").first?.state == "RUNNING")
            let changes = try sql.execute("SELECT count(*) FROM connectd.change").integer(0, 0) ?? -1
            usleep(300_000)
            #expect(try sql.execute("SELECT count(*) FROM connectd.change").integer(0, 0) == changes, "nothing goes round any more")
            try worker.stop()
            // Into another table it may go.
            sink["table.name.format"] = "copy_of_${source.table}"
            try write()
            let found = try ChildProcess.run(["validate", "connectors.json"], in: folder.path)
            #expect(found.ending == .exit(0), "\(found.output)")
        }
    }

    @Test func theJDBCConnectorsAreAskedToo() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), server = try PostgresServer.shared(), database = try server.makeDatabase()
            let sql = try server.connect(database)
            try sql.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric)")
            let url = "jdbc:postgresql://127.0.0.1:\(server.port)/\(database)"
            let role = "jdbc_\(database)"
            try sql.execute("CREATE ROLE \(role) LOGIN SUPERUSER PASSWORD 'p'")
            let login = ["connection.url": url, "connection.user": role, "connection.password": "p"]
            let connectors = [
                "shop": login.merging(["connector.class": "JdbcSourceConnector", "topic.prefix": "db-", "mode": "incrementing", "incrementing.column.name": "id", "table.whitelist": "orders"]) { $1 },
                "copy": login.merging(["connector.class": "JdbcSinkConnector", "topics.regex": "db-.*", "table.name.format": "orders", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"]) { $1 },
            ]
            try JSONSerialization.data(withJSONObject: ["connectors": connectors], options: [.sortedKeys]).write(to: URL(filePath: folder.file("connectors.json")))
            let found = try ChildProcess.run(["validate", "connectors.json", "--connect"], in: folder.path)
            #expect(found.ending == .exit(2) && found.output.contains("sink.loop") && found.output.contains("into topic db-orders"), "\(found.output)\(found.errors)")
            try sql.execute("DROP ROLE \(role)")
        }
    }
}
