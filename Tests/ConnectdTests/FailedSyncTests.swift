import ConnectTesting
import Foundation
import Glibc
import Testing

/// A failed fsync of the log is not survived by trying again: the log stops, says so, and the next start goes on with what the disk has (D3, P6).
@Suite(.serialized) struct FailedSyncTests {
    @Test func aFailedSyncStopsTheLogAndLosesNothing() async throws {
        try await onThread {
            let pipe = try JournalPipe(rows: 500)
            let folder = pipe.folder
            let shim = try SyncShim(in: folder)
            let worker = try Worker(
                [pipe.configuration], folder: folder.path, dataDirectory: pipe.data, port: pipe.port, name: "failing",
                variables: shim.variables)
            try worker.waitUntilReady()
            try pipe.waitUntilCopied(worker, within: 60)
            try shim.fail()
            try pipe.add(rows: 500)
            let failed = try eventually(within: 30) { () -> String? in
                guard let task = try worker.taskStates("journal").first, task.state == "FAILED" else { return nil }
                return task.trace ?? ""
            }
            #expect(failed?.contains("the log in \(pipe.data) has stopped") == true, "\(failed ?? "the task did not fail"): \(worker.process.errors.suffix(2000))")
            // Whoever watches the worker is told, and that only a new start helps.
            for (path, status) in [("/health", 500), ("/healthz", 503), ("/readyz", 503)] {
                let answer = try worker.request("GET", path)
                #expect(answer.status == status, "\(path)")
                #expect(answer.body.contains("has stopped") && answer.body.contains("restart the worker"), "\(path): \(answer.body)")
            }
            // The disk is well again, but whether what it was given before is there nobody knows: nothing is written until the next start.
            shim.heal()
            let restart = try worker.request("POST", "/connectors/journal/tasks/0/restart")
            #expect(restart.status == 204)
            let again = try eventually(within: 30) { () -> Bool? in
                guard let task = try worker.taskStates("journal").first, task.state == "FAILED" else { return nil }
                return task.trace?.contains("has stopped")
            }
            #expect(again == true)
            try worker.stop()

            let next = try pipe.start("next")
            try next.waitUntilReady()
            try pipe.waitUntilCopied(next, within: 60)
            try next.stop()
            let dump = try TopicDump(topic: "shop.journal", dataDirectory: pipe.data, folder: folder.path)
            let numbers = dump.lines.compactMap { $0.part("after")?["number"] as? Int }
            #expect(numbers == Array(1...1000), "each row once, in its order")
        }
    }
}
