internal import ConnectRuntime

extension TopicLogConformance {
    private static let place = TopicPartition("a", 0)

    static let consumerCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("a consumer without a group gets every partition and commits nothing") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 3)
                let consumer = try driver.consumer(["a"]), places = (0..<Int32(3)).map { TopicPartition("a", $0) }
                defer { consumer.close() }
                let events = try firstEvents(consumer)
                guard case .assigned(let assigned)? = events.first else { throw ConformanceFailure("the first event is no assignment: \(events)") }
                try expectEqual(assigned.sorted(), places, "the partitions of the event")
                try expectEqual(consumer.assignment, places, "the assignment")
                try LogDriver.expectRefusal(.invalid, "a commit without a group") { try consumer.commit([places[0]: CommittedOffset(offset: 0)]) }
                try expectEqual(try consumer.committed(places[0]), nil, "the committed offset without a group")
            }
        },
        ConformanceCase("no records come in the poll that tells of an assignment") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.produce(["0", "1", "2"], to: place)
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                for event in try firstEvents(consumer) { if case .records = event { throw ConformanceFailure("records came before the caller could seek") } }
                try consumer.seek(place, to: 2)
                try expectEqual(try driver.read(consumer, count: 1), [place: ["2"]], "the records after the seek")
            }
        },
        ConformanceCase("seek goes anywhere between start and end, not beyond") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.produce((0..<10).map { "\($0)" }, to: place)
                try driver.produce((10..<20).map { "\($0)" }, to: place)
                let consumer = try driver.consumer(["a"]), end = try driver.log.bounds(of: place).end
                defer { consumer.close() }
                try driver.settle(consumer, on: [place])
                for start in [5, 0, 15, 9, 10] {
                    try consumer.seek(place, to: Int64(start))
                    try expectEqual(try consumer.position(place), Int64(start), "the position after a seek")
                    let found = try unwrap(try driver.read(consumer, count: 20 - start)[place], "nothing came")
                    try expectEqual(found, (start..<20).map { "\($0)" }, "the records from \(start) on")
                }
                try consumer.seek(place, to: end)
                try expect(try consumer.poll(maximumBytes: 1000, milliseconds: 0).isEmpty, "records came from the end")
                try LogDriver.expectRefusal(.offsetOutOfRange, "a seek beyond the end") { try consumer.seek(place, to: end + 1) }
                try LogDriver.expectRefusal(.offsetOutOfRange, "a seek before the start") { try consumer.seek(place, to: -1) }
                try LogDriver.expectRefusal(.invalid, "a seek of a foreign partition") { try consumer.seek(TopicPartition("a", 9), to: 0) }
            }
        },
        ConformanceCase("the position follows what was returned") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.produce(["1", "2", "3"], to: place)
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                try driver.settle(consumer, on: [place])
                try consumer.seek(place, to: 0)
                var next: Int64 = 0
                try LogDriver.until("the records came") {
                    for case .records(let records) in try consumer.poll(maximumBytes: 1, milliseconds: 100) { next = records.nextOffset }
                    try expectEqual(try consumer.position(place), next, "the position")
                    return next >= 3
                }
            }
        },
        ConformanceCase("a paused partition keeps silent until it is resumed") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 2)
                let other = TopicPartition("a", 1), consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                try driver.settle(consumer, on: [place, other])
                consumer.pause([place])
                try driver.produce(["paused"], to: place)
                try driver.produce(["running"], to: other)
                try expectEqual(try driver.read(consumer, count: 1), [other: ["running"]], "the records while paused")
                try expect(try consumer.poll(maximumBytes: 1000, milliseconds: 0).isEmpty, "a paused partition gave records")
                consumer.resume([place])
                try expectEqual(try driver.read(consumer, count: 1), [place: ["paused"]], "the records after resume")
            }
        },
        ConformanceCase("a waiting poll ends with a commit") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                try driver.settle(consumer, on: [place])
                let threads = ThreadGroup()
                try threads.start { try driver.produce(["now"], to: place) }
                try expectEqual(try driver.read(consumer, count: 1), [place: ["now"]], "the record")
                try threads.join(milliseconds: LogDriver.patience)
            }
        },
        ConformanceCase("wakeUp ends a poll, also one that begins later") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                try driver.settle(consumer, on: [place])
                consumer.wakeUp()
                // Without the wake-up this would wait far beyond any test's patience.
                try expect(try consumer.poll(maximumBytes: 1000, milliseconds: 3_600_000).isEmpty, "a woken poll returned something")
            }
        },
        ConformanceCase("topics that a pattern accepts join when they are made") { subject in
            try subject.use { driver in
                let consumer = try driver.log.openConsumer(ConsumerOptions(group: "g"))
                defer { consumer.close() }
                try consumer.subscribe(.matching { $0.text.hasPrefix("shop.") })
                _ = try consumer.poll(maximumBytes: 1000, milliseconds: 0)
                try driver.topic("other")
                try driver.topic("shop.orders")
                try driver.settle(consumer, on: [TopicPartition("shop.orders", 0)])
                try driver.topic("shop.items")
                try driver.settle(consumer, on: [TopicPartition("shop.orders", 0), TopicPartition("shop.items", 0)])
                try driver.produce(["x"], to: TopicPartition("shop.items", 0))
                try expectEqual(try driver.read(consumer, count: 1), [TopicPartition("shop.items", 0): ["x"]], "the records of the new topic")
            }
        },
        ConformanceCase("partitions of a removed topic are lost") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.topic("b")
                let consumer = try driver.consumer(["a", "b"], group: "g")
                defer { consumer.close() }
                try driver.settle(consumer, on: [place, TopicPartition("b", 0)])
                try driver.log.deleteTopic("a")
                var gone: [TopicPartition] = []
                try LogDriver.until("the loss was told") {
                    for event in try consumer.poll(maximumBytes: 1000, milliseconds: 100) {
                        switch event {
                        case .lost(let places), .revoked(let places): gone += places
                        default: break
                        }
                    }
                    return !gone.isEmpty
                }
                try expectEqual(gone, [place], "the partitions that went")
            }
        },
        ConformanceCase("the reset policy says where to start without a committed offset") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.produce(["old"], to: place)
                let latest = try driver.consumer(["a"], group: "latest", reset: .latest)
                defer { latest.close() }
                try driver.settle(latest, on: [place])
                try driver.produce(["new"], to: place)
                try expectEqual(try driver.read(latest, count: 1), [place: ["new"]], "the records from the end on")
                let none = try driver.consumer(["a"], group: "none", reset: .none)
                defer { none.close() }
                try LogDriver.expectRefusal(.offsetOutOfRange, "a group without an offset and without a policy") {
                    try LogDriver.until("the poll was refused") {
                        _ = try none.poll(maximumBytes: 1000, milliseconds: 100)
                        return false
                    }
                }
            }
        },
    ]

    private static func firstEvents(_ consumer: any LogConsumer) throws -> [ConsumerEvent] {
        var events: [ConsumerEvent] = []
        try LogDriver.until("an event came") {
            events = try consumer.poll(maximumBytes: 1 << 20, milliseconds: 200)
            return !events.isEmpty
        }
        return events
    }
}
