import ConnectTesting
import Foundation
import Glibc
import PostgresTesting
import SQLite
import Testing

/// The demonstration, and the example the repository comes with.
@Suite(.serialized) struct QuickstartTests {
    @Test func theCopyEqualsTheShopAndNothingIsLeft() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let finished = try ChildProcess.run(["quickstart", "--exit-after", "3"], in: folder.path, seconds: 90, variables: ["TMPDIR": folder.path])
            #expect(finished.ending == .exit(0), "\(finished.output)\(finished.errors)")
            #expect(finished.output.contains("copy.db equals shop.db row for row"), "\(finished.output)")
            #expect(finished.output.contains(" ms to copy.db"), "\(finished.output)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("connectd-quickstart") }
            #expect(left.isEmpty)
        }
    }

    @Test(.enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN"))
    func withAServerTheShopGoesThroughPostgreSQLToo() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            // The server's user, who is not root, must get through to the demonstration's folder.
            chmod(folder.path, 0o711)
            let finished = try ChildProcess.run(["quickstart", "--exit-after", "3"], in: folder.path, seconds: 120, variables: ["TMPDIR": folder.path])
            #expect(finished.ending == .exit(0), "\(finished.output)\(finished.errors)")
            #expect(finished.output.contains("equal shop.db row for row too"), "\(finished.output)\(finished.errors)")
            #expect(try serverProcesses(folder.path) == [])
        }
    }

    /// Killed while its server runs: the server goes with it.
    @Test(.enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN"))
    func aKilledDemonstrationLeavesNoServer() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            chmod(folder.path, 0o711)
            let process = try ChildProcess(
                Environment.program, ["quickstart"], output: folder.file("out"), directory: folder.path, variables: ["TMPDIR": folder.path])
            #expect(eventually(within: 60) { process.output.contains("PostgreSQL  a server") ? true : nil } == true, "\(process.output)\(process.errors)")
            #expect(try !serverProcesses(folder.path).isEmpty)
            process.killNow()
            #expect(try eventually(within: 30) { try serverProcesses(folder.path).isEmpty ? true : nil } == true)
        }
    }

    @Test func withoutAServerItSaysSoAndIsWhole() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let finished = try ChildProcess.run(
                ["quickstart", "--exit-after", "1"], in: folder.path, seconds: 90, variables: ["TMPDIR": folder.path, "POSTGRES_BIN": folder.file("nothing")])
            #expect(finished.ending == .exit(0), "\(finished.output)\(finished.errors)")
            #expect(finished.output.contains("PostgreSQL  left out: "), "\(finished.output)")
        }
    }

    /// Processes whose command line names a folder and a server program.
    private func serverProcesses(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap { process in
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return nil }
            let line = String(decoding: bytes, as: UTF8.self)
            return line.contains(folder) && line.contains("/postgres\0") ? line : nil
        }
    }

    @Test func aSignalEndsItCleanlyAndKeepLeavesTheFiles() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let process = try ChildProcess(
                Environment.program, ["quickstart", "--keep"], output: folder.file("out"), directory: folder.path, variables: ["TMPDIR": folder.path])
            #expect(eventually(within: 60) { process.output.contains(" ms to copy.db") ? true : nil } == true, "\(process.output)\(process.errors)")
            process.send(SIGINT)
            #expect(process.wait(seconds: 60) == .exit(0), "\(process.errors)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("connectd-quickstart") }
            #expect(left.count == 1)
        }
    }

    /// The repository's `connectors.json`, started in a folder that has the shop it speaks of.
    @Test func theExampleOfTheRepositoryRuns() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let shop = try Database(path: folder.file("shop.db"), mode: .create)
            try shop.execute(
                "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE orders (id INTEGER PRIMARY KEY, total TEXT);"
                    + "INSERT INTO customers VALUES (1, 'Zoë'); INSERT INTO orders VALUES (1, '12.50'), (2, '7.00')")
            shop.close()
            let worker = try Worker(
                [root.appending(path: "connectors.json").path], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try worker.waitUntilReady()
            let copied = eventually(within: 60) { () -> Bool? in
                guard let copy = try? Database(path: folder.file("copy.db"), mode: .readOnly) else { return nil }
                let orders = (try? copy.integer("SELECT count(*) FROM orders")) ?? nil
                let customers = (try? copy.text("SELECT name FROM customers")) ?? nil
                return orders == 2 && customers == "Zoë" ? true : nil
            }
            #expect(copied == true, "\(worker.process.errors)")
            try worker.stop()
        }
    }
}
