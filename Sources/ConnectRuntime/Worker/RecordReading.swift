/// A share of a sink's consumed records for its ``HelperThread``: turning JSON into values costs a sink about as much as writing them does.
struct RecordReading: Sendable {
    let consumed: ConsumedRecords
    let range: Range<Int>

    /// A record's key and value as the converters read them.
    struct Read: Sendable {
        let key: SchemaAndValue
        let value: SchemaAndValue
    }
    /// One for each record, `nil` for one that could not be read.
    typealias Helper = HelperThread<RecordReading, [Read?]>

    /// Records to a portion: enough that handing it over costs nothing beside it, few enough that neither thread waits long for the other.
    static let portion = 256
    /// Fewer records are read sooner than handed over.
    static let fewest = 512

    /// The helper of a sink's task, where it has one: with a second processor, and converters that may be made twice.
    static func helper(_ specification: TaskSpecification, _ plugins: TaskPlugins, _ parts: WorkerParts) throws -> Helper? {
        guard Helper.isOfUse, plugins.value is JsonConverter, plugins.key is any RuntimeConverter else { return nil }
        let map = try parts.references.resolve(specification.connectorConfig)
        return Helper(name: "\(specification.connector)-read") {
            let schemas = TransactionSchemas(parts.log.schemas)
            let key = try TaskPlugins.converter(.key, map, parts, schemas).0
            let value = try TaskPlugins.converter(.value, map, parts, schemas).0
            return Helper.Work(
                perform: { $0.read(key, value) },
                close: {
                    key.close()
                    value.close()
                })
        }
    }

    /// Cuts consumed records into portions, in their order.
    static func portions(_ consumed: ConsumedRecords) -> [RecordReading] {
        let count = consumed.records.count
        return stride(from: 0, to: count, by: portion).map { RecordReading(consumed: consumed, range: $0..<min(count, $0 + portion)) }
    }

    func read(_ key: any Converter, _ value: any Converter) -> [Read?] {
        let records = consumed.records, topic = consumed.topicPartition.topic
        var read: [Read?] = []
        read.reserveCapacity(range.count)
        var headers: [RawHeader] = []
        var known: Int?
        for index in range {
            if known.map({ !records.haveSameHeaders($0, index) }) ?? true {
                headers = records.hasHeaders(at: index) ? records.headers(at: index) : []
                known = index
            }
            do {
                read.append(
                    Read(
                        key: try key.deserialize(topic: topic, headers: headers, bytes: records.key(at: index)),
                        value: try value.deserialize(topic: topic, headers: headers, bytes: records.value(at: index))))
            } catch {
                read.append(nil)
            }
        }
        return read
    }
}

/// A converter of the runtime's own: what it reads depends on its configuration and the bytes alone, so that two of them read the same.
protocol RuntimeConverter: Converter {}
extension JsonConverter: RuntimeConverter {}
extension StringConverter: RuntimeConverter {}
extension ByteArrayConverter: RuntimeConverter {}
extension NumberConverter: RuntimeConverter {}
