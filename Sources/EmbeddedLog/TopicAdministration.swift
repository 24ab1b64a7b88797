internal import ConnectRuntime

/// Making and removing topics.
enum TopicAdministration {
    static func create(_ specification: TopicSpecification, _ engine: EmbeddedLog) throws(LogError) -> TopicDescription {
        try check(specification)
        let made = Slot<TopicLogEntry?>(nil)
        let log = engine.log
        try engine.perform { transaction in
            if log.topic(specification.name) != nil {
                throw LogError(.invalid, "the topic \(specification.name) exists already")
            }
            let first = transaction.state.nextSerial, count = Int64(specification.partitions)
            guard first + count <= BatchKey.serialLimit else {
                throw LogError(.invalid, "the log has had \(BatchKey.serialLimit) partitions; it cannot have more", suggestion: "start a new data folder")
            }
            let description = TopicDescription(
                name: specification.name, id: .random(), partitions: specification.partitions, configuration: specification.configuration)
            let row = TopicRow(description: description, firstSerial: first)
            try transaction.put(.topic, row.key, row.value)
            var partitions: [PartitionLog] = []
            for number in 0..<specification.partitions {
                let serial = first + Int64(number)
                try transaction.put(.partition, PartitionRow.key(serial), PartitionRow().value)
                partitions.append(
                    PartitionLog(
                        TopicPartition(specification.name, number), topicID: description.id, serial: serial,
                        configuration: specification.configuration, row: PartitionRow(), epochs: []))
            }
            transaction.state.nextSerial += count
            let entry = TopicLogEntry(row, partitions: partitions)
            made.value = entry
            transaction.afterCommit { log.update { $0.topics[specification.name] = entry } }
        }
        guard let entry = made.value else { throw LogError(.fatal, "the topic \(specification.name) was not made") }
        return entry.description
    }

    /// Kafka's rules for names, so that a topic can move there; and partitions within reason.
    private static func check(_ specification: TopicSpecification) throws(LogError) {
        let name = specification.name.text.utf8
        func isAllowed(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard !name.isEmpty, name.count <= 249, name.allSatisfy(isAllowed), specification.name != ".", specification.name != ".." else {
            throw LogError(
                .invalid, "\"\(specification.name)\" cannot be the name of a topic",
                suggestion: "use at most 249 of the characters a-z A-Z 0-9 . _ - (a transform such as RegexRouter can rename)")
        }
        guard specification.partitions >= 1, specification.partitions <= 10_000 else {
            throw LogError(.invalid, "topic \(specification.name): \(specification.partitions) partitions are not possible; 1 to 10000 are")
        }
    }

    static func delete(_ name: Name, _ engine: EmbeddedLog) throws(LogError) {
        let log = engine.log
        try engine.perform { transaction in
            guard let topic = log.topic(name) else { throw LogError(.unknownTopic, "there is no topic \(name)") }
            let serials = Set(topic.partitions.map(\.serial))
            try transaction.remove(.topic, topic.row.key)
            for partition in topic.partitions {
                try transaction.remove(.partition, PartitionRow.key(partition.serial))
                for start in partition.bounds.epochs { try transaction.remove(.epochStart, PartitionRow.epochKey(partition.serial, start.epoch)) }
            }
            for (group, offsets) in log.groups {
                for serial in offsets.keys where serials.contains(serial) { try transaction.remove(.groupOffset, GroupOffsets.key(group, serial)) }
            }
            // The records go in small steps afterwards: removing much at once would keep everybody waiting.
            let first = topic.row.firstSerial, count = Int64(topic.partitions.count)
            try transaction.put(.garbage, offsetValue(first), offsetValue(count))
            transaction.afterCommit {
                log.update { content in
                    content.topics[name] = nil
                    content.garbage[first] = count
                    for group in content.groups.keys {
                        content.groups[group] = content.groups[group]?.filter { !serials.contains($0.key) }
                    }
                }
                for partition in topic.partitions {
                    partition.update { view in
                        view.isDeleted = true
                        view.tail = []
                    }
                }
            }
        }
    }
}
