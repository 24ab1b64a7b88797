import ConnectRuntime
import ConnectTesting
import Foundation
import Glibc
import Testing

/// Starting and stopping a standalone worker.
@Suite(.serialized) struct StandaloneTests {
    @Test func aWorkerSaysThatItIsReadyAndEndsWithZero() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            for signal in [SIGTERM, SIGINT] {
                let worker = try Worker([], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
                try worker.waitUntilReady()
                #expect(worker.process.errors.contains("connectd 0.1.0 ready in ") && worker.process.errors.contains("REST http://127.0.0.1:\(worker.port)"))
                #expect(try JSON.parse(worker.request("GET", "/").body)["version"]?.text == "4.3.1")
                worker.process.send(signal)
                #expect(worker.process.wait(seconds: 30) == .exit(0))
            }
        }
    }

    @Test func aPortInUseIsNamed() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let worker = try Worker([], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try worker.waitUntilReady()
            let second = try ChildProcess.run(
                ["standalone", "--data-dir", "other", "--listen", "127.0.0.1:\(worker.port)"], in: folder.path, name: "second")
            #expect(second.ending == .exit(3))
            #expect(second.errors.contains("rest.port_in_use") && second.errors.contains("127.0.0.1:\(worker.port)"), "\(second.errors)")
            try worker.stop()
        }
    }

    @Test func aFolderOfAnotherWorkerIsNamed() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let worker = try Worker([], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try worker.waitUntilReady()
            let second = try ChildProcess.run(["standalone", "--data-dir", "data", "--listen", "127.0.0.1:0"], in: folder.path, name: "second")
            #expect(second.ending == .exit(3))
            #expect(second.errors.contains("another process uses this data folder (pid \(worker.process.pid))"), "\(second.errors)")
            try worker.stop()
        }
    }

    @Test(arguments: [["--listen", "0.0.0.0:0"], ["--set", "listeners=http://:0"]])
    func listeningBeyondLoopbackMustBeMeant(_ words: [String]) async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let refused = try ChildProcess.run(["standalone"] + words, in: folder.path)
            #expect(refused.ending == .exit(2))
            #expect(refused.errors.contains("rest.not_loopback") && refused.errors.contains("--allow-remote"), "\(refused.errors)")
        }
    }

    @Test func connectorsOfAFileAreListedAndASecondStartKeepsTheirState() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let text = "{\"connectors\": {\"a\": {\"connector.class\": \"SqliteSource\", \"connection.url\": \"sqlite:missing.db\", \"topic.prefix\": \"p\"}}}"
            try text.write(toFile: folder.file("connectors.json"), atomically: false, encoding: .utf8)
            let first = try Worker(["connectors.json"], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try first.waitUntilReady()
            #expect(try first.request("GET", "/connectors").body == "[\"a\"]")
            #expect(try first.request("PUT", "/connectors/a/stop").status == 204)
            try first.stop()
            let second = try Worker(["connectors.json"], folder: folder.path, dataDirectory: folder.file("data"), port: Worker.freePort())
            try second.waitUntilReady()
            let state = eventually(within: 10) { () -> String? in
                let answer = try? JSON.parse(second.request("GET", "/connectors/a/status").body)
                return answer?["connector"]?["state"]?.text == "STOPPED" ? "STOPPED" : nil
            }
            #expect(state == "STOPPED")
            try second.stop()
        }
    }
}
