internal import ConnectRuntime

/// Brings the small rows into memory at opening, and looks at every one of them: a damaged row is found now, not when it is missed.
struct Loader {
    private let storage: Storage
    private let state: StateRow

    init(_ storage: Storage, _ state: StateRow) {
        self.storage = storage
        self.state = state
    }

    func load() throws -> LogState.Content {
        var content = LogState.Content()
        var rows = try partitionRows()
        var epochs = try epochStarts()
        var bySerial: [Int64: PartitionLog] = [:]
        try storage.scan(.topic) { key, value in
            guard let topic = TopicRow(key: key, value: value), topic.firstSerial + Int64(topic.description.partitions) <= state.nextSerial else {
                throw Entry.damaged(.topic, "cannot be read")
            }
            var partitions: [PartitionLog] = []
            for number in 0..<topic.description.partitions {
                let serial = topic.firstSerial + Int64(number)
                guard let row = rows.removeValue(forKey: serial) else { throw Entry.damaged(.partition, "is missing for \(topic.description.name)/\(number)") }
                let partition = PartitionLog(
                    TopicPartition(topic.description.name, number), topicID: topic.description.id, serial: serial,
                    configuration: topic.description.configuration, row: row, epochs: epochs.removeValue(forKey: serial) ?? [])
                guard row.end == 0 || partition.bounds.epochs.first?.firstOffset == 0 else { throw Entry.damaged(.epochStart, "is missing for \(partition.topicPartition)") }
                bySerial[serial] = partition
                partitions.append(partition)
            }
            content.topics[topic.description.name] = TopicLogEntry(topic, partitions: partitions)
        }
        guard rows.isEmpty, epochs.isEmpty else { throw Entry.damaged(.partition, "belongs to no topic") }
        try storage.scan(.producer) { key, value in
            var reader = RowReader(value)
            guard let name = String(validating: key, as: UTF8.self), let epoch: Int64 = reader.integer(), epoch <= state.producerEpoch else {
                throw Entry.damaged(.producer, "cannot be read")
            }
            content.producers[Name(name)] = epoch
        }
        try storage.scan(.groupOffset) { key, value in
            guard let (group, serial) = GroupOffsets.decode(key: key), let offset = GroupOffsets.decode(value: value), bySerial[serial] != nil else {
                throw Entry.damaged(.groupOffset, "cannot be read")
            }
            content.groups[group, default: [:]][serial] = offset
        }
        try storage.scan(.garbage) { key, value in
            var keyReader = RowReader(key), reader = RowReader(value)
            guard let first: Int64 = keyReader.integer(), let count: Int64 = reader.integer() else { throw Entry.damaged(.garbage, "cannot be read") }
            content.garbage[first] = count
        }
        // These stay in the file until they are asked for.
        for kind in [Entry.Kind.sourceOffset, .progress, .schema, .connector, .targetState, .taskSet] { try storage.scan(kind) { _, _ in } }
        return content
    }

    private func partitionRows() throws -> [Int64: PartitionRow] {
        var rows: [Int64: PartitionRow] = [:]
        try storage.scan(.partition) { key, value in
            var reader = RowReader(key)
            guard let serial: Int64 = reader.integer(), let row = PartitionRow(value: value) else { throw Entry.damaged(.partition, "cannot be read") }
            rows[serial] = row
        }
        return rows
    }

    private func epochStarts() throws -> [Int64: [PartitionBounds.EpochStart]] {
        var starts: [Int64: [PartitionBounds.EpochStart]] = [:]
        try storage.scan(.epochStart) { key, value in
            var keyReader = RowReader(key), reader = RowReader(value)
            guard let serial: Int64 = keyReader.integer(), let epoch: Int32 = keyReader.integer(), let first: Int64 = reader.integer(), epoch <= state.leaderEpoch else {
                throw Entry.damaged(.epochStart, "cannot be read")
            }
            starts[serial, default: []].append(PartitionBounds.EpochStart(epoch: epoch, firstOffset: first))
        }
        return starts
    }
}
