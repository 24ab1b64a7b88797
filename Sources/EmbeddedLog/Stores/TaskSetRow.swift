internal import ConnectRuntime

/// A connector's task set as a row. Its generation outlives the set: it counts on when a connector of that name comes again.
struct TaskSetRow {
    var generation: Int64
    /// `nil` when the connector was removed.
    var configs: [ConfigMap]?

    var value: [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(bigEndian: generation)
        if let configs { buffer.append(JSON.array(configs.map(\.json)).serialized()) }
        return buffer.take()
    }

    init(generation: Int64, configs: [ConfigMap]?) {
        self.generation = generation
        self.configs = configs
    }

    init?(value: [UInt8]) {
        var reader = RowReader(value)
        guard let generation: Int64 = reader.integer() else { return nil }
        self.generation = generation
        if reader.isAtEnd { return }
        guard let elements = (try? JSON.parse(reader.rest()))?.elements else { return nil }
        var configs: [ConfigMap] = []
        for element in elements {
            guard let config = try? ConfigMap(json: element) else { return nil }
            configs.append(config)
        }
        self.configs = configs
    }
}
