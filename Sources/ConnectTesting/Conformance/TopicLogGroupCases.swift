internal import ConnectRuntime

extension TopicLogConformance {
    private static let place = TopicPartition("a", 0)

    static let groupCases: [ConformanceCase<TopicLogSubject>] = [
        ConformanceCase("a group goes on from what it committed; another group reads everything") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.produce(["1", "2", "3"], to: place)
                let first = try driver.consumer(["a"], group: "g")
                _ = try driver.read(first, count: 3)
                let committed = CommittedOffset(offset: 2, leaderEpoch: 5, metadata: "marked")
                try first.commit([place: committed])
                try expectEqual(try first.committed(place), committed, "the committed offset")
                first.close()
                first.close()
                let again = try driver.consumer(["a"], group: "g"), other = try driver.consumer(["a"], group: "h")
                defer {
                    again.close()
                    other.close()
                }
                try expectEqual(try driver.read(again, count: 1), [place: ["3"]], "the records of the same group")
                try expectEqual(try driver.read(other, count: 3), [place: ["1", "2", "3"]], "the records of another group")
                try expectEqual(try driver.log.committedOffsets(group: "g"), [place: committed], "the offsets of the group")
                try expectEqual(try driver.log.committedOffsets(group: "h"), [:], "the offsets of the other group")
            }
        },
        ConformanceCase("members share the partitions, each has its own, all are served") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 4)
                try driver.topic("b", partitions: 2)
                let all = try driver.log.topics().flatMap { topic in (0..<topic.partitions).map { TopicPartition(topic.name, $0) } }
                var members = [try driver.consumer(["a", "b"], group: "g")]
                try driver.settle(members[0], on: all)
                for count in [2, 3] {
                    members.append(try driver.consumer(["a", "b"], group: "g"))
                    try shared(all, members, sizes: [6 / count])
                }
                members.removeFirst().close()
                try shared(all, members, sizes: [3])
                for member in members { member.close() }
            }
        },
        ConformanceCase("a revoked partition may be committed until the next poll, then not") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 2)
                let places = [place, TopicPartition("a", 1)]
                for place in places { try driver.produce(["1", "2"], to: place) }
                let first = try driver.consumer(["a"], group: "g")
                defer { first.close() }
                _ = try driver.read(first, count: 4)
                let second = try driver.consumer(["a"], group: "g")
                defer { second.close() }
                var revoked: [TopicPartition] = []
                try LogDriver.until("a partition was revoked") {
                    _ = try second.poll(maximumBytes: 1000, milliseconds: 0)
                    for case .revoked(let places) in try first.poll(maximumBytes: 1000, milliseconds: 100) { revoked += places }
                    return !revoked.isEmpty
                }
                try expectEqual(revoked.count, 1, "the number of partitions revoked")
                let gone = revoked[0]
                try expect(!second.assignment.contains(gone), "a partition has two owners")
                try first.commit([gone: CommittedOffset(offset: 1)])
                _ = try first.poll(maximumBytes: 1000, milliseconds: 0)
                try driver.settle(second, on: [gone])
                try expectEqual(try driver.read(second, count: 1), [gone: ["2"]], "what the new owner reads")
                try LogDriver.expectRefusal(.fenced, "a commit of a partition that went") { try first.commit([gone: CommittedOffset(offset: 2)]) }
                try expectEqual(try driver.log.committedOffsets(group: "g")[gone]?.offset, 1, "the committed offset")
            }
        },
        ConformanceCase("a commit of partitions that were never assigned is refused whole") { subject in
            try subject.use { driver in
                try driver.topic("a")
                try driver.topic("b")
                try driver.produce(["1"], to: place)
                let consumer = try driver.consumer(["a"], group: "g")
                defer { consumer.close() }
                try driver.settle(consumer, on: [place])
                try LogDriver.expectRefusal(.fenced, "a commit of somebody else's partition") {
                    try consumer.commit([place: CommittedOffset(offset: 1), TopicPartition("b", 0): CommittedOffset(offset: 0)])
                }
                try expectEqual(try driver.log.committedOffsets(group: "g"), [:], "the group's offsets")
            }
        },
        ConformanceCase("offsets of a group are set while it has no members") { subject in
            try subject.use { driver in
                try driver.topic("a", partitions: 2)
                try driver.produce(["1", "2", "3"], to: place)
                try driver.log.alterCommittedOffsets(group: "g", [place: CommittedOffset(offset: 2), TopicPartition("a", 1): CommittedOffset(offset: 0)])
                let consumer = try driver.consumer(["a"], group: "g")
                try expectEqual(try driver.read(consumer, count: 1), [place: ["3"]], "the records from the offset that was set")
                try LogDriver.expectRefusal(.invalid, "setting offsets of a group with members") {
                    try driver.log.alterCommittedOffsets(group: "g", [place: CommittedOffset(offset: 0)])
                }
                consumer.close()
                let removal: [TopicPartition: CommittedOffset?] = [place: Optional<CommittedOffset>.none]
                try driver.log.alterCommittedOffsets(group: "g", removal)
                try expectEqual(try driver.log.committedOffsets(group: "g"), [TopicPartition("a", 1): CommittedOffset(offset: 0)], "the offsets that stay")
            }
        },
    ]

    /// Polls all members until they share the partitions evenly.
    private static func shared(_ all: [TopicPartition], _ members: [any LogConsumer], sizes: Set<Int>) throws {
        try LogDriver.until("\(members.count) members share \(all.count) partitions: \(members.map(\.assignment))") {
            for member in members { _ = try member.poll(maximumBytes: 1000, milliseconds: 0) }
            let owned = members.flatMap(\.assignment)
            try expectEqual(Set(owned).count, owned.count, "a partition has one owner")
            return owned.sorted() == all.sorted() && members.allSatisfy { sizes.contains($0.assignment.count) }
        }
    }
}
