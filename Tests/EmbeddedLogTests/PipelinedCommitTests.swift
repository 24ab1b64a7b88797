import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Glibc
import Synchronization
import Testing

/// The disk takes commits while the next are prepared: nobody hears of one, and nobody sees one, before it is durable.
@Suite(.serialized) struct PipelinedCommitTests {
    /// A disk that waits, or fails, when it is told to.
    private final class Disk: Sendable {
        private struct State {
            var waits = false, fails = false
            var waiting = 0, synced = 0
        }
        private let state = Mutex(State())
        private let condition = ThreadCondition()

        func set(waits: Bool = false, fails: Bool = false) {
            state.withLock {
                $0.waits = waits
                $0.fails = fails
            }
            condition.broadcast()
        }
        var waiting: Int { state.withLock { $0.waiting } }

        func synchronize(_ descriptor: Int32) -> Int32 {
            state.withLock { $0.waiting += 1 }
            while condition.wait(milliseconds: 60_000, until: { state.withLock { $0.waits ? nil : true } }) == nil {}
            let fails = state.withLock { state in
                state.waiting -= 1
                return state.fails
            }
            if fails {
                errno = EIO
                return -1
            }
            return fdatasync(descriptor)
        }
    }

    private static let place = TopicPartition("t", 0)

    private func open(_ folder: String, _ disk: Disk, walByteLimit: Int = 32 << 20) throws -> EmbeddedLog {
        var options = EmbeddedLogOptions(folder: folder)
        options.synchronizing = { disk.synchronize($0) }
        options.walByteLimit = walByteLimit
        // Groups of one commit each, so that there is something to prepare while the disk is at work.
        options.groupByteLimit = 1
        return try EmbeddedLog.open(options)
    }

    private func send(_ value: String, _ producer: any LogProducer) throws -> CommitTicket {
        try producer.begin()
        try producer.append(recordSet([value]), to: Self.place)
        return try producer.commit()
    }

    /// One record that is durable, and six commits behind it while the disk waits.
    private func sixOnTheirWay(_ log: EmbeddedLog, _ disk: Disk) throws -> (producer: any LogProducer, tickets: [CommitTicket]) {
        _ = try log.createTopic(TopicSpecification("t"))
        let producer = try log.openProducer(ProducerID("p"))
        try log.commit(recordSet(["before"]), to: Self.place, by: producer)
        disk.set(waits: true)
        let tickets = try (0..<6).map { try send("v\($0)", producer) }
        #expect(eventually { disk.waiting >= 1 })
        return (producer, tickets)
    }

    @Test func nobodyHearsOrSeesOfACommitBeforeItIsDurable() async throws {
        try await onThread {
            let temporary = try TemporaryFolder(), disk = Disk()
            let log = try open(temporary.file("data"), disk)
            defer {
                disk.set()
                log.close()
            }
            _ = try log.createTopic(TopicSpecification("t"))
            let producer = try log.openProducer(ProducerID("p"))
            let before = try send("before", producer)
            #expect(before.wait(milliseconds: 20_000) != nil)
            let marker = readFile(temporary.file("data/topics.marker"))

            disk.set(waits: true)
            let tickets = try (0..<6).map { try send("v\($0)", producer) }
            #expect(eventually { disk.waiting >= 1 })
            usleep(100_000)
            #expect(tickets.allSatisfy { $0.outcome == nil })
            #expect(try log.bounds(of: Self.place).end == 1)
            #expect(readFile(temporary.file("data/topics.marker")) == marker)

            disk.set()
            for (number, ticket) in tickets.enumerated() {
                guard case .durable(let offsets)? = ticket.wait(milliseconds: 20_000) else {
                    Issue.record("\(String(describing: ticket.outcome))")
                    continue
                }
                #expect(offsets == [Self.place: Int64(number) + 1])
            }
            #expect(try log.everything(in: Self.place) == ["0:=before"] + (0..<6).map { "\($0 + 1):=v\($0)" })
        }
    }

    /// What is in the file when the process dies there is whole, whether the disk was asked already or not.
    @Test func aKillWhileTheDiskIsAtWorkLosesNothing() async throws {
        try await onThread {
            let temporary = try TemporaryFolder(), disk = Disk()
            let log = try open(temporary.file("data"), disk)
            defer {
                disk.set()
                log.close()
            }
            _ = try sixOnTheirWay(log, disk)
            copyFiles(from: temporary.file("data"), to: temporary.file("killed"), DamageTests.files)
            let killed = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file("killed")))
            defer { killed.close() }
            let found = try killed.everything(in: Self.place)
            #expect(!found.isEmpty && found == Array((["0:=before"] + (0..<6).map { "\($0 + 1):=v\($0)" }).prefix(found.count)))
        }
    }

    @Test func aFailedSyncFailsAllThatWasNotDurable() async throws {
        try await onThread {
            let temporary = try TemporaryFolder(), disk = Disk()
            let log = try open(temporary.file("data"), disk)
            let (producer, tickets) = try sixOnTheirWay(log, disk)
            disk.set(fails: true)
            for ticket in tickets {
                guard case .failed(let error)? = ticket.wait(milliseconds: 20_000) else {
                    Issue.record("\(String(describing: ticket.outcome))")
                    continue
                }
                #expect(error.kind == .fatal)
            }
            // The disk is well again; but nothing is written, and nothing that was not durable is shown.
            disk.set()
            #expect(log.impediment?.message.contains("has stopped") == true)
            #expect(try log.bounds(of: Self.place).end == 1)
            #expect(throws: LogError.self) { _ = try log.openProducer(ProducerID("q")) }
            #expect(throws: LogError.self) { try log.commit(recordSet(["later"]), to: Self.place, by: producer) }
            log.close()
            let next = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file("data")))
            defer { next.close() }
            let found = try next.everything(in: Self.place)
            #expect(found == Array((["0:=before"] + (0..<6).map { "\($0 + 1):=v\($0)" }).prefix(found.count)) && !found.isEmpty)
        }
    }

    /// Requests that look at what was committed come in between: topics are made and deleted, groups commit, readers go to the file.
    @Test func whateverLooksAtTheLogSeesWhatIsDurable() async throws {
        try await onThread {
            let temporary = try TemporaryFolder(), disk = Disk()
            let log = try open(temporary.file("data"), disk, walByteLimit: 200_000)
            _ = try log.createTopic(TopicSpecification("t"))
            var expected: [String] = []
            let producer = try log.openProducer(ProducerID("p"))
            var tickets: [CommitTicket] = []
            for round in 0..<60 {
                for number in 0..<4 {
                    let value = "\(round) \(number) " + String(repeating: "x", count: 4000)
                    tickets.append(try send(value, producer))
                    expected.append("\(expected.count):=\(value)")
                }
                switch round % 6 {
                case 0: _ = try log.createTopic(TopicSpecification(Name("other\(round)")))
                case 1: try log.deleteTopic(Name("other\(round - 1)"))
                case 2: try log.alterCommittedOffsets(group: "g", [Self.place: CommittedOffset(offset: Int64(round))])
                case 3: #expect(try log.progress(prefix: []).isEmpty)
                case 4: _ = try log.openProducer(ProducerID(Name("p\(round)")))
                default: for ticket in tickets { guard case .durable? = ticket.wait(milliseconds: 20_000) else { throw LogError(.fatal, "\(String(describing: ticket.outcome))") } }
                }
            }
            for ticket in tickets { guard case .durable? = ticket.wait(milliseconds: 20_000) else { throw LogError(.fatal, "\(String(describing: ticket.outcome))") } }
            #expect(try log.everything(in: Self.place) == expected)
            copyFiles(from: temporary.file("data"), to: temporary.file("killed"), DamageTests.files)
            log.close()
            for folder in ["data", "killed"] {
                let again = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file(folder)))
                defer { again.close() }
                #expect(try again.everything(in: Self.place) == expected, "\(folder)")
                #expect(try again.bounds(of: Self.place).epochs.count == 1)
                #expect(try again.committedOffsets(group: "g")[Self.place]?.offset == 56)
            }
        }
    }
}
