internal import ConnectRuntime

extension TopicLogConformance {
    static let rowCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("progress rows come with their transaction, by prefix, in byte order") { subject in
            try subject.use { driver in
                let producer = try driver.log.openProducer(ProducerID("sink/test/0"))
                try producer.begin()
                try producer.storeProgress([
                    ProgressRow(key: [2, 1], value: [9]), ProgressRow(key: [1, 255], value: []), ProgressRow(key: [1], value: [1]), ProgressRow(key: [1, 0], value: [2]),
                ])
                try LogDriver.durable(producer.commit())
                try expectEqual(try driver.log.progress(prefix: [1]).map(\.key), [[1], [1, 0], [1, 255]], "the rows with the prefix")
                try expectEqual(try driver.log.progress(prefix: []).count, 4, "the number of rows")
                try producer.begin()
                try producer.storeProgress([ProgressRow(key: [1, 0], value: nil), ProgressRow(key: [1], value: [7])])
                try LogDriver.durable(producer.commit())
                try expectEqual(try driver.log.progress(prefix: [1]), [ProgressRow(key: [1], value: [7]), ProgressRow(key: [1, 255], value: [])], "the rows after a change")
            }
        },
        ConformanceCase("schemas are kept by their content address") { subject in
            let schema = StoredSchema(id: SchemaID(0xFFFF_FFFF_FFFF_FFFF), json: Array("{\"type\":\"int32\"}".utf8))
            try subject.use { driver in
                guard let schemas = driver.log.schemas else { return }
                try expectEqual(try schemas.schema(schema.id), nil, "an unknown schema")
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try producer.storeSchemas([schema])
                producer.abort()
                try expectEqual(try schemas.schema(schema.id), nil, "a schema of an aborted transaction")
                for _ in 0..<2 {
                    try producer.begin()
                    try producer.storeSchemas([schema])
                    try LogDriver.durable(producer.commit())
                }
                try expectEqual(try schemas.schema(schema.id), schema.json, "the schema")
            }
            try subject.use { driver in try expectEqual(try driver.log.schemas?.schema(schema.id), schema.json, "the schema after a restart") }
        },
    ]

    static let durabilityCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("everything is there after a restart") { subject in
            let place = TopicPartition("a", 1), partition = SourcePartition([("p", .string("x"))])
            let offset = SourceOffset([("o", .integer(5))]), committed = CommittedOffset(offset: 2, leaderEpoch: 1, metadata: "é")
            var cluster = "", topics: [TopicDescription] = [], epoch: Int32 = -1
            try subject.use { driver in
                try driver.topic("a", partitions: 2)
                cluster = driver.log.clusterID
                topics = try driver.log.topics()
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try producer.append(LogDriver.records(["1", "2", "3"]), to: place)
                try producer.storeOffsets([SourceOffsetRow(connector: "test", partition: partition, offset: offset)])
                try producer.storeProgress([ProgressRow(key: [1], value: [2])])
                try LogDriver.durable(producer.commit())
                epoch = try unwrap(try driver.log.bounds(of: place).epochs.last?.epoch, "no epoch")
                try driver.log.alterCommittedOffsets(group: "g", [place: committed])
            }
            try subject.use { driver in
                try expectEqual(driver.log.clusterID, cluster, "the cluster id")
                try expectEqual(try driver.log.topics(), topics, "the topics")
                try expectEqual(try driver.contents("a"), [place: ["1", "2", "3"]], "the records")
                try expectEqual(try driver.log.offsets.offset(connector: "test", partition: partition), offset, "the source offset")
                try expectEqual(try driver.log.progress(prefix: []), [ProgressRow(key: [1], value: [2])], "the progress rows")
                try expectEqual(try driver.log.committedOffsets(group: "g"), [place: committed], "the group's offsets")
                try driver.produce(["4"], to: place)
                let bounds = try driver.log.bounds(of: place)
                try expect((bounds.endOffset(ofEpoch: epoch) ?? -1) >= 3, "the older epoch ends at \(String(describing: bounds.endOffset(ofEpoch: epoch)))")
                try expectEqual(try driver.contents("a"), [place: ["1", "2", "3", "4"]], "the records of both runs")
            }
        },
        ConformanceCase("closing waits for what was handed over, and then refuses") { subject in
            let log = try subject.open()
            let driver = LogDriver(log)
            try driver.topic("a")
            let producer = try log.openProducer(ProducerID("source/test/0")), consumer = try driver.consumer(["a"])
            var tickets: [CommitTicket] = []
            for number in 0..<20 {
                try producer.begin()
                try producer.append(LogDriver.records(["\(number)"]), to: TopicPartition("a", 0))
                tickets.append(try producer.commit())
            }
            log.close()
            log.close()
            for ticket in tickets { try LogDriver.durable(ticket) }
            try LogDriver.expectRefusal(.fatal, "a session of a closed log") { _ = try log.openProducer(ProducerID("x")) }
            try LogDriver.expectRefusal(.fatal, "a poll of a closed log") { _ = try consumer.poll(maximumBytes: 1, milliseconds: 0) }
            let refusal = try LogDriver.refusal("a commit to a closed log") {
                try producer.begin()
                try producer.append(LogDriver.records(["late"]), to: TopicPartition("a", 0))
                return try producer.commit()
            }
            try expectEqual(refusal.kind, .fatal, "the refusal of a commit")
            try subject.use { driver in try expectEqual(try driver.contents("a"), [TopicPartition("a", 0): (0..<20).map { "\($0)" }], "the records") }
        },
    ]
}
