import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Glibc
import Synchronization
import Testing

/// Remembers what was logged.
final class RecordingLogHandler: LogHandler {
    private let entries = Mutex<[LogEntry]>([])
    var messages: [String] { entries.withLock { $0.map(\.message) } }
    func isEnabled(_ level: Logger.Level, label: String) -> Bool { true }
    func write(_ entry: LogEntry) { entries.withLock { $0.append(entry) } }
}

/// A full disk stops the log and loses nothing that was acknowledged; with room it goes on by itself.
@Suite(.serialized) struct FullDiskTests {
    private static let place = TopicPartition("t", 0)

    /// A file system of sixteen megabytes; `nil` where this user may not mount one.
    private static func smallDisk(_ folder: String) -> Bool {
        mkdir(folder, 0o700)
        return mount("tmpfs", folder, "tmpfs", 0, "size=16m") == 0
    }

    @Test func aFullDiskIsWaitedOutAndNothingIsLost() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let disk = temporary.file("disk")
            try #require(Self.smallDisk(disk) || geteuid() != 0, "root must be able to mount a small file system")
            guard geteuid() == 0 else { return }
            defer { umount2(disk, Int32(MNT_DETACH)) }
            let handler = RecordingLogHandler()
            var options = EmbeddedLogOptions(folder: disk + "/data")
            options.fullDiskRetryMilliseconds = 20
            options.walByteLimit = 1 << 20
            options.logger = Logger(label: "log", handler: handler)
            let log = try EmbeddedLog.open(options)
            _ = try log.createTopic(TopicSpecification("t"))
            // Somebody else's file takes most of the disk.
            writeFile(disk + "/other", [UInt8](repeating: 1, count: 13 << 20))
            let producer = try log.openProducer(ProducerID("source/a/0"))
            var tickets: [CommitTicket] = []
            let blob = String(repeating: "x", count: 100_000)
            for number in 0..<40 {
                try producer.begin()
                try producer.append(recordSet(["\(number) \(blob)"]), to: Self.place)
                try producer.storeOffsets([
                    SourceOffsetRow(connector: "a", partition: SourcePartition([]), offset: SourceOffset([("seq", .integer(Int64(number)))]))
                ])
                tickets.append(try producer.commit())
            }
            let isWaiting: Bool = Self.until { handler.messages.contains { $0.contains("is full") } }
            #expect(isWaiting, "the full disk was not told: \(handler.messages)")
            #expect(log.impediment?.kind == .retriable)
            #expect(log.impediment?.message.contains("is full") == true)
            let acknowledged = tickets.filter { if case .durable? = $0.outcome { true } else { false } }.count
            #expect(acknowledged < 40)
            #expect(!tickets.contains { if case .failed? = $0.outcome { true } else { false } }, "a full disk is no failure of a commit")
            // What was acknowledged is there and can be read while the disk is full.
            #expect(try log.everything(in: Self.place).count >= acknowledged)
            unlink(disk + "/other")
            for ticket in tickets { guard case .durable? = ticket.wait(milliseconds: 20_000) else { throw LogError(.fatal, "not durable with room again: \(String(describing: ticket.outcome))") } }
            #expect(try log.everything(in: Self.place).map { $0.prefix(4).description } == (0..<40).map { "\($0):=\($0)".prefix(4).description })
            #expect(handler.messages.contains { $0.contains("room again") })
            #expect(log.impediment == nil)
            log.close()
            let again = try EmbeddedLog.open(options)
            defer { again.close() }
            #expect(try again.everything(in: Self.place).count == 40)
            #expect(try again.offsets.offset(connector: "a", partition: SourcePartition([])) == SourceOffset([("seq", .integer(39))]))
        }
    }

    /// The same where no file system can be mounted: the database may not grow.
    @Test func aDatabaseThatMayNotGrowIsWaitedOut() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let handler = RecordingLogHandler()
            var options = EmbeddedLogOptions(folder: temporary.file("data"))
            options.fullDiskRetryMilliseconds = 20
            options.logger = Logger(label: "log", handler: handler)
            options.maximumPageCount = 40
            let log = try EmbeddedLog.open(options)
            _ = try log.createTopic(TopicSpecification("t"))
            let producer = try log.openProducer(ProducerID("source/a/0"))
            var tickets: [CommitTicket] = []
            for number in 0..<20 {
                try producer.begin()
                try producer.append(recordSet(["\(number) " + String(repeating: "x", count: 100_000)]), to: Self.place)
                tickets.append(try producer.commit())
            }
            #expect(Self.until { handler.messages.contains { $0.contains("is full") } })
            let acknowledged = tickets.filter { if case .durable? = $0.outcome { true } else { false } }.count
            // A wait for room ends when the log is closed: what was not written says so, what was acknowledged is there.
            log.close()
            for (index, ticket) in tickets.enumerated() {
                switch ticket.outcome {
                case .durable?: #expect(index < acknowledged)
                case .failed(let error)?: #expect(index >= acknowledged && error.kind == .fatal)
                case nil: Issue.record("commit \(index) has no outcome after close")
                }
            }
            options.maximumPageCount = nil
            let again = try EmbeddedLog.open(options)
            defer { again.close() }
            #expect(try again.everything(in: Self.place).count == acknowledged)
        }
    }

    /// Whoever waits for the writer is told after a while that nothing was written, also where what is asked for writes nothing itself.
    @Test func nobodyWaitsForEverForAFullDisk() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let handler = RecordingLogHandler()
            var options = EmbeddedLogOptions(folder: temporary.file("data"))
            options.fullDiskRetryMilliseconds = 20
            options.patienceMilliseconds = 300
            options.logger = Logger(label: "log", handler: handler)
            options.maximumPageCount = 40
            let log = try EmbeddedLog.open(options)
            defer { log.close() }
            _ = try log.createTopic(TopicSpecification("t"))
            let producer = try log.openProducer(ProducerID("source/a/0"))
            for number in 0..<20 {
                try producer.begin()
                try producer.append(recordSet(["\(number) " + String(repeating: "x", count: 100_000)]), to: Self.place)
                _ = try producer.commit()
            }
            #expect(Self.until { handler.messages.contains { $0.contains("is full") } })
            let heard = Atomic(0)
            let observation = log.configStore.observe { _ in heard.add(1, ordering: .relaxed) }
            defer { observation.cancel() }
            for _ in 0..<20 {
                let topic = #expect(throws: LogError.self) { try log.createTopic(TopicSpecification("u")) }
                #expect(topic?.kind == .retriable)
                let restart = #expect(throws: LogError.self) { try log.configStore.putRestart(RestartRequest(connector: "c", onlyFailed: false, includeTasks: false)) }
                #expect(restart?.kind == .retriable)
            }
            #expect(heard.load(ordering: .relaxed) == 0)
        }
    }

    private static func until(_ body: () -> Bool) -> Bool {
        let clock = SystemClock(), start = clock.monotonicNanoseconds(), never = WakeUp()
        while !body() {
            if clock.monotonicNanoseconds() &- start > 20_000_000_000 { return false }
            _ = never.wait(milliseconds: 5)
        }
        return true
    }
}
