internal import ConnectRuntime

extension TopicLogConformance {
    static let sessionCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("an open transaction is not seen, and does not move the end") { subject in
            try subject.use { driver in
                let place = TopicPartition("a", 0)
                try driver.topic("a")
                try driver.produce(["before"], to: place)
                let end = try driver.log.bounds(of: place).end
                let producer = try driver.log.openProducer(ProducerID("source/open/0"))
                try producer.begin()
                try producer.append(LogDriver.records(["open"]), to: place)
                try expectEqual(try driver.log.bounds(of: place).end, end, "the end with an open transaction")
                try expectEqual(try driver.contents("a"), [place: ["before"]], "the records with an open transaction")
                try LogDriver.durable(producer.commit())
                try expectEqual(try driver.contents("a"), [place: ["before", "open"]], "the records after the commit")
            }
        },
        ConformanceCase("an aborted transaction leaves nothing") { subject in
            try subject.use { driver in
                let place = TopicPartition("a", 0), partition = SourcePartition([("p", .integer(1))])
                try driver.topic("a")
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try producer.append(LogDriver.records(["never"]), to: place)
                try producer.storeOffsets([SourceOffsetRow(connector: "test", partition: partition, offset: SourceOffset([("o", .integer(1))]))])
                try producer.storeProgress([ProgressRow(key: [1], value: [1])])
                producer.abort()
                producer.abort()
                try driver.produce(["after"], to: place, by: producer)
                try expectEqual(try driver.contents("a"), [place: ["after"]], "the records")
                try expectEqual(try driver.log.offsets.offset(connector: "test", partition: partition), nil, "the source offset")
                try expect(try driver.log.progress(prefix: []).isEmpty, "an aborted progress row is there")
            }
        },
        ConformanceCase("a transaction over topics is seen whole") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 2)
                try driver.topic("b")
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                for place in [TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)] {
                    try producer.append(LogDriver.records(["\(place)"]), to: place)
                }
                try LogDriver.durable(producer.commit())
                try expectEqual(try driver.contents("a"), [TopicPartition("a", 0): ["a/0"], TopicPartition("a", 1): ["a/1"]], "topic a")
                try expectEqual(try driver.contents("b"), [TopicPartition("b", 0): ["b/0"]], "topic b")
            }
        },
        ConformanceCase("an empty transaction resolves") { subject in
            try subject.use { driver in
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try expectEqual(try LogDriver.durable(producer.commit()), [:], "the offsets of an empty transaction")
            }
        },
        ConformanceCase("calls out of order are refused and change nothing") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let place = TopicPartition("a", 0)
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try LogDriver.expectRefusal(.invalid, "append without begin") { try producer.append(LogDriver.records(["x"]), to: place) }
                try LogDriver.expectRefusal(.invalid, "commit without begin") { _ = try producer.commit() }
                try producer.begin()
                try LogDriver.expectRefusal(.invalid, "begin in an open transaction") { try producer.begin() }
                try LogDriver.expectRefusal(.unknownTopic, "append to an unknown topic") { try producer.append(LogDriver.records(["x"]), to: TopicPartition("b", 0)) }
                try LogDriver.expectRefusal(.unknownTopic, "append to an unknown partition") { try producer.append(LogDriver.records(["x"]), to: TopicPartition("a", 7)) }
                try producer.append(LogDriver.records(["good"]), to: place)
                try LogDriver.durable(producer.commit())
                try expectEqual(try driver.contents("a"), [place: ["good"]], "the records")
                producer.close()
                producer.close()
                try LogDriver.expectRefusal(.invalid, "begin after close") { try producer.begin() }
            }
        },
        ConformanceCase("a transaction beyond its limit is refused, and the next one works") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let place = TopicPartition("a", 0)
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                var large = RecordSet()
                let megabyte = ByteSlice([UInt8](repeating: 7, count: 1 << 20))
                for _ in 0...(producer.transactionByteLimit >> 20) { large.append(timestamp: 0, key: nil, value: megabyte) }
                try producer.begin()
                try LogDriver.expectRefusal(.invalid, "more than the limit") { try producer.append(large, to: place) }
                producer.abort()
                try driver.produce(["small"], to: place, by: producer)
                try expectEqual(try driver.contents("a"), [place: ["small"]], "the records")
            }
        },
        ConformanceCase("several commits in flight become durable in their order") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let place = TopicPartition("a", 0)
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                var tickets: [CommitTicket] = []
                for number in 0..<50 {
                    try producer.begin()
                    try producer.append(LogDriver.records(["\(number)"]), to: place)
                    tickets.append(try producer.commit())
                }
                producer.close()
                var last: Int64 = -1
                for ticket in tickets {
                    let offset = try unwrap(try LogDriver.durable(ticket)[place], "a commit names no offset")
                    try expect(offset > last, "commits became durable out of order")
                    last = offset
                }
                try expectEqual(try driver.contents("a"), [place: (0..<50).map { "\($0)" }], "the records")
            }
        },
        ConformanceCase("after a failed commit those behind it fail, until the failure is acknowledged") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.topic("gone")
                let place = TopicPartition("a", 0)
                let producer = try driver.log.openProducer(ProducerID("source/test/0"))
                try producer.begin()
                try producer.append(LogDriver.records(["lost"]), to: TopicPartition("gone", 0))
                try producer.append(LogDriver.records(["lost"]), to: place)
                try driver.log.deleteTopic("gone")
                let failed = try producer.commit()
                let behind = try LogDriver.refusal("a commit behind a failed one") {
                    try producer.begin()
                    try producer.append(LogDriver.records(["must not overtake"]), to: place)
                    return try producer.commit()
                }
                guard case .failed = try LogDriver.outcome(failed) else { throw ConformanceFailure("a commit to a deleted topic succeeded") }
                try expectEqual(behind.kind, .abortable, "the refusal of the one behind")
                try LogDriver.expectRefusal(.abortable, "a new transaction before the failure was acknowledged") { try producer.begin() }
                producer.abort()
                try driver.produce(["again"], to: place, by: producer)
                try expectEqual(try driver.contents("a"), [place: ["again"]], "the records")
            }
        },
        ConformanceCase("one session's failure does not touch another's commits") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.topic("gone")
                let place = TopicPartition("a", 0)
                let bad = try driver.log.openProducer(ProducerID("source/bad/0")), good = try driver.log.openProducer(ProducerID("source/good/0"))
                try bad.begin()
                try bad.append(LogDriver.records(["lost"]), to: TopicPartition("gone", 0))
                try driver.log.deleteTopic("gone")
                try good.begin()
                try good.append(LogDriver.records(["1"]), to: place)
                let tickets = [try good.commit()], failing = try bad.commit()
                try good.begin()
                try good.append(LogDriver.records(["2"]), to: place)
                for ticket in tickets + [try good.commit()] { try LogDriver.durable(ticket) }
                guard case .failed = try LogDriver.outcome(failing) else { throw ConformanceFailure("a commit to a deleted topic succeeded") }
                try expectEqual(try driver.contents("a"), [place: ["1", "2"]], "the records")
            }
        },
        ConformanceCase("sessions on threads of their own keep their order and lose nothing") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 3)
                let threads = ThreadGroup()
                for session in 0..<4 {
                    try threads.start {
                        let producer = try driver.log.openProducer(ProducerID(Name("source/many/\(session)")))
                        defer { producer.close() }
                        var tickets: [CommitTicket] = []
                        for number in 0..<60 {
                            try producer.begin()
                            for partition in 0..<Int32(3) { try producer.append(LogDriver.records(["\(session):\(number)"]), to: TopicPartition("a", partition)) }
                            tickets.append(try producer.commit())
                        }
                        for ticket in tickets { try LogDriver.durable(ticket) }
                    }
                }
                try threads.join(milliseconds: LogDriver.patience)
                for (place, values) in try driver.contents("a") {
                    try expectEqual(values.count, 240, "the records of \(place)")
                    for session in 0..<4 {
                        try expectEqual(values.filter { $0.hasPrefix("\(session):") }, (0..<60).map { "\(session):\($0)" }, "the order of session \(session) in \(place)")
                    }
                }
            }
        },
    ]

    static let fencingCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("a newer session of an id fences the older one") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let place = TopicPartition("a", 0)
                let old = try driver.log.openProducer(ProducerID("source/test/0"))
                try driver.produce(["old"], to: place, by: old)
                try old.begin()
                try old.append(LogDriver.records(["zombie"]), to: place)
                let new = try driver.log.openProducer(ProducerID("source/test/0"))
                try expect(new.epoch > old.epoch, "the newer session has epoch \(new.epoch), the older \(old.epoch)")
                let refusal = try LogDriver.refusal("the commit of a fenced session") { try old.commit() }
                try expectEqual(refusal.kind, .fenced, "the refusal of the fenced session")
                old.abort()
                let again = try LogDriver.refusal("a fenced session that aborted") {
                    try old.begin()
                    try old.append(LogDriver.records(["zombie"]), to: place)
                    return try old.commit()
                }
                try expectEqual(again.kind, .fenced, "the refusal after an abort")
                try driver.produce(["new"], to: place, by: new)
                try expectEqual(try driver.contents("a"), [place: ["old", "new"]], "the records")
            }
        },
        ConformanceCase("a session fences the other ids it takes over, and nobody else") { subject in
            try subject.use { driver in
                try driver.topic("a")
                let place = TopicPartition("a", 0)
                let second = try driver.log.openProducer(ProducerID("source/test/1")), other = try driver.log.openProducer(ProducerID("source/test/10"))
                _ = try driver.log.openProducer(ProducerID("source/test/0", alsoFences: ["source/test/1"]))
                try second.begin()
                let refusal = try LogDriver.refusal("the commit of a session that was taken over") {
                    try second.append(LogDriver.records(["zombie"]), to: place)
                    return try second.commit()
                }
                try expectEqual(refusal.kind, .fenced, "the refusal")
                try driver.produce(["other"], to: place, by: other)
                try expectEqual(try driver.contents("a"), [place: ["other"]], "the records")
            }
        },
        ConformanceCase("epochs grow across a restart of the log") { subject in
            var last: Int64 = -1
            for _ in 0..<3 {
                try subject.use { driver in
                    let epoch = try driver.log.openProducer(ProducerID("source/test/0")).epoch
                    try expect(epoch > last, "epoch \(epoch) came after \(last)")
                    last = epoch
                }
            }
        },
    ]
}
