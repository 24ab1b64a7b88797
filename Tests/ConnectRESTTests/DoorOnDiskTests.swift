import ConnectREST
import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Glibc
import Testing

/// A good answer of the door means disk: while the log cannot write, callers are refused, and what is refused beside the one that waits is not written later.
@Suite(.serialized) struct DoorOnDiskTests {
    private let door = ProduceTests()

    private static func body(_ number: Int) -> String { "{\"records\":[{\"key\":\"k\",\"value\":\"\(number) \(String(repeating: "x", count: 100_000))\"}]}" }

    private func numbers(_ log: TestLog) throws -> [Int] {
        try door.records(log, "in").map { record in try #require(record.value.flatMap { Int(String(decoding: $0.dropFirst().prefix { $0 != 0x20 }, as: UTF8.self)) }) }
    }

    /// What a refusal says, which must be one of the proxy's shape.
    private func refusal(_ response: Response, _ status: Int, _ code: Int64) throws -> String {
        let document = try JSON.parse(response.body)
        #expect(response.status == status && document["error_code"]?.int64 == code, "\(door.text(response))")
        return document["message"]?.text ?? ""
    }

    /// The database may not grow: as a full disk without one.
    @Test func aFullDiskIsAnsweredAndNothingIsDoubled() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            var acknowledged: [Int] = [], unsure: [Int] = [], refused: [Int] = []
            do {
                let log = try TestLog(in: folder) { options in
                    options.maximumPageCount = 40
                    options.fullDiskRetryMilliseconds = 20
                }
                let api = try door.api(log, patienceMilliseconds: 500)
                for number in 0..<200 where log.log.impediment == nil {
                    let answer = door.post(api, "in", Self.body(number))
                    if answer.status == 200 {
                        acknowledged.append(number)
                    } else {
                        let message = try refusal(answer, 503, 50003)
                        #expect(message.contains("may have been written"))
                        unsure.append(number)
                    }
                }
                #expect(acknowledged.count > 2 && unsure.count >= 1)
                #expect(log.log.impediment?.kind == .retriable)
                for number in 1000..<1010 {
                    let message = try refusal(door.post(api, "in", Self.body(number)), 503, 50003)
                    #expect(message.contains("is full") && message.contains("were not written"), "\(message)")
                    refused.append(number)
                }
                let readable = try numbers(log).filter { !unsure.contains($0) }
                #expect(readable == acknowledged, "what was confirmed can be read meanwhile")
                // Ends the wait; a stopped log refuses for good.
                log.log.close()
                let words = try refusal(door.post(api, "in", Self.body(2000)), 500, 50002)
                #expect(!words.isEmpty)
            }
            // With room again: the callers that were refused come once more.
            let log = try TestLog(in: folder), api = try door.api(log)
            for number in refused { #expect(door.post(api, "in", Self.body(number)).status == 200) }
            let found = try numbers(log)
            #expect(found.filter { !unsure.contains($0) } == acknowledged + refused)
            #expect(Set(found).count == found.count)
        }
    }

    /// A real one: what waits is written once there is room, those who were refused beside it come again, and each record is there once.
    @Test(.enabled(if: geteuid() == 0, "mounting a small disk takes root")) func whatWaitsIsWrittenOnceThereIsRoom() async throws {
        let folder = try TemporaryFolder()
        let disk = folder.file("data")
        mkdir(disk, 0o700)
        try #require(mount("tmpfs", disk, "tmpfs", 0, "size=16m") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let log = try TestLog(in: folder) { options in
            options.fullDiskRetryMilliseconds = 20
            options.walByteLimit = 1 << 20
        }
        defer { log.log.close() }
        let other = disk + "/other", api = try door.api(log, patienceMilliseconds: 500)
        let (acknowledged, waiting) = try await onThread {
            // Somebody else's file takes most of the disk.
            let file = open(other, O_CREAT | O_WRONLY, 0o600)
            defer { close(file) }
            try #require(posix_fallocate(file, 0, 13 << 20) == 0)
            var acknowledged: [Int] = [], waiting: [Int] = []
            for number in 0..<200 where log.log.impediment == nil {
                if door.post(api, "in", Self.body(number)).status == 200 { acknowledged.append(number) } else { waiting.append(number) }
            }
            return (acknowledged, waiting)
        }
        #expect(acknowledged.count > 2 && waiting.count >= 1)
        // The writer tries again and again for the one that waits; whoever comes now is told so at once.
        let refused = Array(1000..<1010)
        try await onThread {
            for number in refused {
                let message = try refusal(door.post(api, "in", Self.body(number)), 503, 50003)
                #expect(message.contains("were not written"))
            }
            unlink(other)
            #expect(eventually { log.log.impediment == nil && (try? numbers(log).count) == acknowledged.count + waiting.count })
            let patient = try door.api(log)
            for number in refused { #expect(door.post(patient, "in", Self.body(number)).status == 200) }
            let found = try numbers(log)
            #expect(found == (acknowledged + waiting).sorted() + refused)
        }
    }
}
