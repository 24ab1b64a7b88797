internal import ConnectRuntime

/// What the store of source offsets keeps to. Each case gets a log of its own, empty at first.
public enum OffsetStoreConformance {
    private static func partition(_ text: String) -> SourcePartition { SourcePartition(storedJSON: Array(text.utf8)) }
    private static func offset(_ number: Int64) -> SourceOffset { SourceOffset([("o", .integer(number))]) }

    private static func store(_ driver: LogDriver, _ rows: [(Name, String, Int64?)], id: Name = "source/a/0") throws {
        let producer = try driver.log.openProducer(ProducerID(id))
        defer { producer.close() }
        try producer.begin()
        try producer.storeOffsets(rows.map { SourceOffsetRow(connector: $0.0, partition: partition($0.1), offset: $0.2.map(offset)) })
        try LogDriver.durable(producer.commit())
    }

    private static func list(_ driver: LogDriver, _ connector: Name) throws -> [String] {
        try driver.log.offsets.offsets(connector: connector).map { "\(String(decoding: $0.partition.json, as: UTF8.self))=\(String(decoding: $0.offset.json, as: UTF8.self))" }
    }

    public static let cases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("an offset that was never stored is none") { subject in
            try subject.use { driver in
                try expectEqual(try driver.log.offsets.offset(connector: "a", partition: partition("{}")), nil, "an unknown offset")
                try expectEqual(try list(driver, "a"), [], "the list")
            }
        },
        ConformanceCase("of one partition the last offset counts, and null removes it") { subject in
            try subject.use { driver in
                try store(driver, [("a", "{\"t\":1}", 1), ("a", "{\"t\":1}", 2), ("a", "{\"t\":2}", 7)])
                try expectEqual(try list(driver, "a"), ["{\"t\":1}={\"o\":2}", "{\"t\":2}={\"o\":7}"], "the list")
                try store(driver, [("a", "{\"t\":1}", nil)])
                try expectEqual(try list(driver, "a"), ["{\"t\":2}={\"o\":7}"], "the list after a removal")
                try expectEqual(try driver.log.offsets.offset(connector: "a", partition: partition("{\"t\":1}")), nil, "the removed offset")
            }
        },
        ConformanceCase("partitions are the same when their bytes are, and come in the order of their bytes") { subject in
            try subject.use { driver in
                let keys = ["{\"b\":2,\"a\":1}", "{\"a\":1,\"b\":2}", "{\"t\":\"é\"}", "{\"t\":\"e\u{301}\"}", "{\"t\":1}", "{\"t\":1.0}"]
                try store(driver, keys.enumerated().map { ("a", $0.element, Int64($0.offset)) })
                for (index, key) in keys.enumerated() {
                    try expectEqual(try driver.log.offsets.offset(connector: "a", partition: partition(key)), offset(Int64(index)), "the offset of \(key)")
                }
                let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                let found = try driver.log.offsets.offsets(connector: "a").map { $0.partition.json }
                try expectEqual(found, sorted.map { Array($0.utf8) }, "the order of the partitions")
            }
        },
        ConformanceCase("connectors with similar names do not see each other's offsets") { subject in
            try subject.use { driver in
                let names: [Name] = ["a", "ab", "a/b", "", "a\"", "é", "e\u{301}"]
                try store(driver, names.enumerated().map { ($0.element, "{}", Int64($0.offset)) })
                for (index, name) in names.enumerated() { try expectEqual(try list(driver, name), ["{}={\"o\":\(index)}"], "the offsets of \(name)") }
            }
        },
        ConformanceCase("an administrator sets and removes offsets, durably") { subject in
            try subject.use { driver in
                try store(driver, [("a", "{\"t\":1}", 1), ("a", "{\"t\":2}", 2), ("b", "{\"t\":1}", 3)])
                try driver.log.offsets.alter(connector: "a", [(partition("{\"t\":1}"), nil), (partition("{\"t\":3}"), offset(9))])
                try expectEqual(try list(driver, "a"), ["{\"t\":2}={\"o\":2}", "{\"t\":3}={\"o\":9}"], "the offsets after the change")
            }
            try subject.use { driver in
                try expectEqual(try list(driver, "a"), ["{\"t\":2}={\"o\":2}", "{\"t\":3}={\"o\":9}"], "the offsets after a restart")
                try expectEqual(try list(driver, "b"), ["{\"t\":1}={\"o\":3}"], "the offsets of another connector")
            }
        },
        ConformanceCase("setting offsets fences the connector's own source tasks, nobody else") { subject in
            try subject.use { driver in
                try driver.topic("t")
                let ids: [Name] = ["source/a/0", "source/a/12", "source/ab/0", "source/a/b/0", "sink/a/0"]
                let sessions = try ids.map { try driver.log.openProducer(ProducerID($0)) }
                for session in sessions { try session.begin() }
                try driver.log.offsets.alter(connector: "a", [(partition("{}"), offset(1))])
                for (index, session) in sessions.enumerated() {
                    let row = SourceOffsetRow(connector: "a", partition: partition("{}"), offset: offset(100))
                    if index < 2 {
                        let refusal = try LogDriver.refusal("\(ids[index]) after its offsets were set") {
                            try session.storeOffsets([row])
                            return try session.commit()
                        }
                        try expectEqual(refusal.kind, .fenced, "the refusal of \(ids[index])")
                    } else {
                        try session.storeProgress([ProgressRow(key: [UInt8(index)], value: [])])
                        try LogDriver.durable(session.commit())
                    }
                }
                try expectEqual(try list(driver, "a"), ["{}={\"o\":1}"], "the offset that was set")
            }
        },
    ]
}
