import ConnectTesting
import Foundation
import Glibc
import Synchronization
import Testing

/// A good answer of the webhook door means that the disk has the records: it waits for the disk, and there is none where the disk fails.
@Suite(.serialized) struct DoorSyncTests {
    @Test func theAnswerWaitsForTheDisk() async throws {
        try await onThread {
            let hook = try Hook([:]), shim = try SyncShim(in: hook.folder), worker = try hook.start(variables: shim.variables)
            try hook.post(numbers: 1)
            try shim.hold()
            let answers = Mutex<[Int]>([])
            for number in 1...3 {
                Thread.detachNewThread {
                    let status = (try? hook.answer("{\"value\":\(number)}").status) ?? 0
                    answers.withLock { $0.append(status) }
                }
            }
            #expect(eventually { shim.hasHeld })
            // An answer that did not wait would come in this time; a slow machine does not make one come.
            usleep(500_000)
            #expect(answers.withLock { $0 } == [])
            #expect(try worker.request("GET", "/connectors").status == 200, "whoever waits at the door holds up nobody else")
            shim.heal()
            #expect(eventually { answers.withLock { $0.count } == 3 })
            #expect(answers.withLock { $0 } == [200, 200, 200])
            try worker.stop()
            let lines = try TopicDump(topic: "in", dataDirectory: hook.data, folder: hook.folder.path).lines
            #expect(lines.compactMap { $0.value as? Int }.sorted() == [0, 1, 2, 3])
        }
    }

    @Test func aFailedSyncIsNoGoodAnswer() async throws {
        try await onThread {
            let hook = try Hook([:]), shim = try SyncShim(in: hook.folder), worker = try hook.start(variables: shim.variables)
            try hook.post(numbers: 5)
            try shim.fail()
            let first = try hook.answer("{\"value\":100}")
            #expect(first.status == 500 && first.body.contains("50002"), "\(first.body)")
            // The disk is well again, but the log has stopped.
            shim.heal()
            for number in 101..<106 {
                let answer = try hook.answer("{\"value\":\(number)}")
                #expect(answer.status == 500 && answer.body.contains("50002") && answer.body.contains("has stopped"), "\(answer.body)")
            }
            try worker.stop()

            // What was acknowledged is there; the one that met the failure may be, since nobody knows what its disk did; those after it are not.
            let next = try hook.start("next")
            for number in 101..<106 { try hook.post("{\"value\":\(number)}") }
            try next.stop()
            let values = try TopicDump(topic: "in", dataDirectory: hook.data, folder: hook.folder.path).lines.compactMap { $0.value as? Int }
            #expect(values.filter { $0 != 100 } == Array(0..<5) + Array(101..<106))
            #expect(values.count { $0 == 100 } <= 1)
        }
    }
}
