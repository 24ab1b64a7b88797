internal import ConnectRuntime

/// What every topic log keeps to. Each case gets a log of its own, empty at first.
public enum TopicLogConformance {
    public static let cases: [ConformanceCase<TopicLogSubject>] =
        topicCases + recordCases + sessionCases + fencingCases + rowCases + consumerCases + groupCases + durabilityCases

    static let topicCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("topics are made, described, listed by name and removed") { subject in
            try subject.use { driver in
                let log = driver.log
                let made = try log.createTopic(TopicSpecification("b", partitions: 3, configuration: TopicConfiguration(retentionMilliseconds: 60_000)))
                try driver.topic("a")
                try expectEqual(made.partitions, 3, "the partitions of the new topic")
                try expectEqual(try log.topic("b"), made, "the description of the topic")
                try expectEqual(try log.topics().map(\.name), ["a", "b"], "the list of topics")
                try log.deleteTopic("a")
                try expectEqual(try log.topic("a"), nil, "a deleted topic")
                try expectEqual(try log.topics().map(\.name), ["b"], "the list of topics")
            }
        },
        ConformanceCase("it says what keeps it from taking records") { subject in
            try subject.use { driver in
                try expectEqual(driver.log.impediment?.message, nil, "the impediment of a log that is well")
                driver.log.close()
                try expectEqual(driver.log.impediment?.kind, .fatal, "the impediment of a closed log")
            }
        },
        ConformanceCase("a topic that exists, or is not there, is refused") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try LogDriver.expectRefusal(.invalid, "a second topic of the same name") { try driver.topic("a") }
                try LogDriver.expectRefusal(.invalid, "a topic without partitions") { try driver.topic("none", partitions: 0) }
                try LogDriver.expectRefusal(.unknownTopic, "removing an unknown topic") { try driver.log.deleteTopic("b") }
                try LogDriver.expectRefusal(.unknownTopic, "the bounds of an unknown topic") { _ = try driver.log.bounds(of: TopicPartition("b", 0)) }
                try LogDriver.expectRefusal(.unknownTopic, "the bounds of an unknown partition") { _ = try driver.log.bounds(of: TopicPartition("a", 1)) }
                try expectEqual(try driver.log.topic("b"), nil, "an unknown topic")
            }
        },
        ConformanceCase("a topic made again is another one, and empty") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let first = try unwrap(try driver.log.topic("a"), "the topic is missing").id
                try driver.produce(["old"], to: TopicPartition("a", 0))
                try driver.log.deleteTopic("a")
                try driver.topic("a")
                try expect(try driver.log.topic("a")?.id != first, "the topic made again has the id of the old one")
                try expectEqual(try driver.log.bounds(of: TopicPartition("a", 0)).end, 0, "the end of the new topic")
                try driver.produce(["new"], to: TopicPartition("a", 0))
                try expectEqual(try driver.contents("a"), [TopicPartition("a", 0): ["new"]], "the records of the new topic")
            }
        },
        ConformanceCase("bounds tell start, end and epochs") { subject in
            try subject.use { driver in
                let place = TopicPartition("a", 0)
                try driver.topic("a")
                let empty = try driver.log.bounds(of: place)
                try expect(empty.start == 0 && empty.end == 0, "an empty partition starts and ends at 0")
                try driver.produce(["1", "2", "3"], to: place)
                let bounds = try driver.log.bounds(of: place)
                try expect(bounds.start == 0 && bounds.end >= 3, "three records end at 3 or beyond, not at \(bounds.end)")
                let epoch = try unwrap(bounds.epochs.last, "a partition with records has no epoch")
                try expectEqual(bounds.endOffset(ofEpoch: epoch.epoch), bounds.end, "the end of the newest epoch")
                try expectEqual(bounds.endOffset(ofEpoch: epoch.epoch + 1000), nil, "the end of an epoch that never was")
            }
        },
    ]

    static let recordCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("keys, values, headers and timestamps come back byte for byte") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let bytes = ByteSlice((0...255).map { UInt8($0) }), empty = ByteSlice([])
                let rows: [(Int64, ByteSlice?, ByteSlice?, [RawHeader])] = [
                    (1, bytes, bytes, []), (2, nil, bytes, []), (1_700_000_000_000, bytes, nil, []), (0, empty, empty, []), (5, nil, nil, []),
                    (3, bytes, ByteSlice(Array("é e\u{301}".utf8)), [RawHeader("h", bytes), RawHeader("h", nil), RawHeader("é", empty), RawHeader("", bytes)]),
                ]
                var set = RecordSet()
                for row in rows { set.append(timestamp: row.0, key: row.1, value: row.2, headers: row.3) }
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try producer.append(set, to: TopicPartition("a", 0))
                try LogDriver.durable(producer.commit())
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                var found: [(Int64, Int64, ByteSlice?, ByteSlice?, [RawHeader])] = []
                try LogDriver.until("all records came") {
                    for case .records(let records) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 200) {
                        for index in 0..<records.records.count {
                            let item = records.records.items[index]
                            found.append((item.offset, item.timestamp, records.records.key(at: index), records.records.value(at: index), records.records.headers(at: index)))
                        }
                    }
                    return found.count >= rows.count
                }
                for (index, row) in rows.enumerated() {
                    let one = found[index]
                    try expect(one.0 == Int64(index) && one.1 == row.0, "record \(index) has offset \(one.0) and timestamp \(one.1)")
                    try expect(one.2 == row.1 && one.3 == row.2 && one.4 == row.3, "record \(index) came back changed")
                }
            }
        },
        ConformanceCase("offsets are consecutive and the ticket names the first of each partition") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 2)
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try producer.append(LogDriver.records(["1", "2"]), to: TopicPartition("a", 0))
                try producer.append(LogDriver.records(["x"]), to: TopicPartition("a", 1))
                try producer.append(LogDriver.records(["3"]), to: TopicPartition("a", 0))
                let first = try LogDriver.durable(producer.commit())
                try expectEqual(first, [TopicPartition("a", 0): 0, TopicPartition("a", 1): 0], "the first offsets")
                let before = try driver.log.bounds(of: TopicPartition("a", 0)).end
                try expectEqual(try driver.produce(["4"], to: TopicPartition("a", 0), by: producer), before, "the next offset")
                try expectEqual(
                    try driver.contents("a"), [TopicPartition("a", 0): ["1", "2", "3", "4"], TopicPartition("a", 1): ["x"]], "the records")
            }
        },
        ConformanceCase("a record larger than the reader's limit comes alone") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let large = String(repeating: "x", count: 300_000)
                try driver.produce(["small", large, "small"], to: TopicPartition("a", 0))
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                var values: [Int] = []
                try LogDriver.until("all records came") {
                    for case .records(let records) in try consumer.poll(maximumBytes: 1000, milliseconds: 200) {
                        for index in 0..<records.records.count { values.append(records.records.value(at: index)?.count ?? -1) }
                    }
                    return values.count >= 3
                }
                try expectEqual(values, [5, 300_000, 5], "the sizes of the records")
            }
        },
        ConformanceCase("a poll keeps to its limit of bytes") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                for number in 0..<40 { try driver.produce([String(repeating: "y", count: 1000) + "\(number)"], to: TopicPartition("a", 0), by: producer) }
                let consumer = try driver.consumer(["a"])
                defer { consumer.close() }
                var total = 0
                try LogDriver.until("all records came") {
                    var bytes = 0
                    for case .records(let records) in try consumer.poll(maximumBytes: 5000, milliseconds: 200) {
                        for index in 0..<records.records.count { bytes += records.records.value(at: index)?.count ?? 0 }
                        total += records.records.count
                    }
                    try expect(bytes <= 5000, "a poll limited to 5000 bytes returned \(bytes) bytes of values")
                    return total >= 40
                }
            }
        },
    ]
}
