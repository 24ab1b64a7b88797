import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Glibc
import Testing

/// The data folder: who may use it, what is made in it.
@Suite struct FolderTests {
    private func refusal(_ options: EmbeddedLogOptions) -> LogError? {
        do {
            try EmbeddedLog.open(options).close()
            return nil
        } catch { return error }
    }

    @Test func oneProcessAtATimeAndItIsNamed() throws {
        let temporary = try TemporaryFolder()
        let options = EmbeddedLogOptions(folder: temporary.file("data"))
        let log = try EmbeddedLog.open(options)
        #expect(refusal(options)?.message.contains("another process uses this data folder (pid \(getpid()))") == true)
        log.close()
        #expect(refusal(options) == nil)
    }

    /// Also while somebody still refers to the closed log, and while a copy of the lock's descriptor is open, as in a child just forked.
    @Test func closingFreesTheFolder() throws {
        let temporary = try TemporaryFolder()
        let options = EmbeddedLogOptions(folder: temporary.file("data"))
        let log = try EmbeddedLog.open(options)
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for descriptor in Int32(3)..<1024 where copies.isEmpty {
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
            if count > 0, String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) == temporary.file("data/topics.lock") { copies.append(dup(descriptor)) }
        }
        #expect(copies.count == 1)
        log.close()
        #expect(refusal(options) == nil)
        withExtendedLifetime(log) {}
    }

    /// A topic made later is there with the very next look.
    @Test func newTopicsJoinSubscriptionsAtOnce() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file("data")))
            defer { log.close() }
            for (index, subscription) in [Subscription.topics(["t0"]), .matching { $0.text.hasPrefix("t1") }].enumerated() {
                let consumer = try log.openConsumer(ConsumerOptions(group: Name("g\(index)")))
                defer { consumer.close() }
                try consumer.subscribe(subscription)
                #expect(try consumer.poll(maximumBytes: 1, milliseconds: 0).isEmpty)
                let topic = Name("t\(index)")
                _ = try log.createTopic(TopicSpecification(topic, partitions: 2))
                guard case .assigned(let places)? = try consumer.poll(maximumBytes: 1, milliseconds: 0).first else {
                    Issue.record("the new topic is not assigned")
                    continue
                }
                #expect(places == [TopicPartition(topic, 0), TopicPartition(topic, 1)])
            }
        }
    }

    @Test func folderAndFilesAreTheOwnersOnly() throws {
        let temporary = try TemporaryFolder(), folder = temporary.file("above/data")
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder + "/"))
        defer { log.close() }
        _ = try log.createTopic(TopicSpecification("t"))
        for (path, expected) in [("", 0o700), ("/topics.db", 0o600), ("/topics.db-wal", 0o600), ("/topics.marker", 0o600), ("/topics.lock", 0o600)] as [(String, mode_t)] {
            var information = stat()
            #expect(stat(folder + path, &information) == 0 && information.st_mode & 0o777 == expected, "\(path) has mode \(String(information.st_mode, radix: 8))")
        }
    }

    @Test func lookingMakesNothing() throws {
        let temporary = try TemporaryFolder()
        var options = EmbeddedLogOptions(folder: temporary.file("none"))
        options.mayCreate = false
        #expect(refusal(options)?.message.contains("there is no data folder") == true)
        #expect(fileSize(temporary.file("none")) < 0)
        options.folder = temporary.path
        #expect(refusal(options)?.message.contains("holds no topics") == true)
        #expect(fileSize(temporary.file("topics.lock")) < 0)
    }

    @Test func aFileThatIsNoLogIsRefusedAndKept() throws {
        let temporary = try TemporaryFolder()
        for content in ["not a database at all", String(repeating: "x", count: 100_000)] {
            writeFile(temporary.file("topics.db"), Array(content.utf8))
            #expect(refusal(EmbeddedLogOptions(folder: temporary.path))?.kind == .damaged)
            #expect(readFile(temporary.file("topics.db")) == Array(content.utf8))
        }
        #expect(refusal(EmbeddedLogOptions(folder: temporary.file("topics.db")))?.message.contains("is not a folder") == true)
    }

    /// A power cut may leave the marker older than the database, and the first start may be cut before the marker was made.
    @Test func anOlderMarkerIsNoDamage() throws {
        let temporary = try TemporaryFolder(), folder = temporary.file("data")
        let options = EmbeddedLogOptions(folder: folder)
        try EmbeddedLog.open(options).close()
        unlink(folder + "/topics.marker")
        try EmbeddedLog.open(options).close()
        // Or in the middle of it.
        writeFile(folder + "/topics.marker", [])
        let log = try EmbeddedLog.open(options)
        _ = try log.createTopic(TopicSpecification("t"))
        let older = readFile(folder + "/topics.marker")
        try log.commit(recordSet(["one"]), to: TopicPartition("t", 0), by: log.openProducer(ProducerID("p")))
        log.close()
        let newer = readFile(folder + "/topics.marker")
        #expect(older != newer)
        writeFile(folder + "/topics.marker", older)
        let again = try EmbeddedLog.open(options)
        #expect(try again.everything(in: TopicPartition("t", 0)) == ["0:=one"])
        again.close()
    }

    @Test func aMemberThatIsSilentForTooLongLosesItsPartitions() async throws {
        try await onThread {
            let temporary = try TemporaryFolder()
            var options = EmbeddedLogOptions(folder: temporary.file("data"))
            options.maximumPollIntervalMilliseconds = 200
            let log = try EmbeddedLog.open(options)
            defer { log.close() }
            _ = try log.createTopic(TopicSpecification("t", partitions: 2))
            let stuck = try log.openConsumer(ConsumerOptions(group: "g")), alive = try log.openConsumer(ConsumerOptions(group: "g"))
            try stuck.subscribe(.topics(["t"]))
            _ = try stuck.poll(maximumBytes: 1, milliseconds: 0)
            try alive.subscribe(.topics(["t"]))
            while alive.assignment.count < 2 { _ = try alive.poll(maximumBytes: 1, milliseconds: 20) }
            let place = TopicPartition("t", 0)
            #expect(throws: LogError.self) { try stuck.commit([place: CommittedOffset(offset: 0)]) }
            var lost: [TopicPartition] = []
            for case .lost(let places) in try stuck.poll(maximumBytes: 1, milliseconds: 0) { lost += places }
            #expect(lost.count == 2)
            // Given up on from another thread, a member is gone at once.
            alive.close()
            #expect(throws: LogError.self) { try alive.poll(maximumBytes: 1, milliseconds: 0) }
            while stuck.assignment.count < 2 { _ = try stuck.poll(maximumBytes: 1, milliseconds: 20) }
        }
    }

    @Test func aListenerThatWaitsForTheLogIsRefusedInsteadOfHanging() throws {
        let temporary = try TemporaryFolder()
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: temporary.file("data")))
        defer { log.close() }
        let store = log.configStore, kind = AtomicShift()
        let observation = store.observe { _ in
            do { try store.removeConnector("a") } catch { kind.add((error as? LogError)?.kind == .invalid ? 1 : 100) }
        }
        defer { observation.cancel() }
        try store.putConnector("a", ConfigMap(), targetState: nil)
        #expect(kind.value == 1)
    }
}
