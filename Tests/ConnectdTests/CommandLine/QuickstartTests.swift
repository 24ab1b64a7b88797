import ConnectTesting
import Foundation
import Glibc
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
