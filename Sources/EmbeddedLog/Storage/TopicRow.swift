internal import ConnectRuntime

/// A topic as it is stored, by name. Its partitions have consecutive serial numbers, never used again.
struct TopicRow {
    var description: TopicDescription
    var firstSerial: Int64

    var key: [UInt8] { Array(description.name.text.utf8) }

    var value: [UInt8] {
        var buffer = ByteBuffer(capacity: 64)
        buffer.append(description.id.bytes)
        buffer.append(bigEndian: description.partitions)
        buffer.append(bigEndian: firstSerial)
        buffer.append(bigEndian: description.configuration.retentionMilliseconds ?? -1)
        buffer.append(bigEndian: description.configuration.retentionBytes ?? -1)
        buffer.append(description.configuration.isCompacted ? 1 : 0)
        return buffer.take()
    }

    init(description: TopicDescription, firstSerial: Int64) {
        self.description = description
        self.firstSerial = firstSerial
    }

    init?(key: [UInt8], value: [UInt8]) {
        var reader = RowReader(value)
        guard let name = String(validating: key, as: UTF8.self), let idBytes = reader.bytes(16), let id = TopicID(idBytes),
            let partitions: Int32 = reader.integer(), let firstSerial: Int64 = reader.integer(), let time: Int64 = reader.integer(),
            let size: Int64 = reader.integer(), let compacted: UInt8 = reader.integer(), reader.isAtEnd, partitions > 0, firstSerial >= 0
        else { return nil }
        let configuration = TopicConfiguration(
            retentionMilliseconds: time < 0 ? nil : time, retentionBytes: size < 0 ? nil : size, isCompacted: compacted == 1)
        self.init(
            description: TopicDescription(name: Name(name), id: id, partitions: partitions, configuration: configuration), firstSerial: firstSerial)
    }
}
