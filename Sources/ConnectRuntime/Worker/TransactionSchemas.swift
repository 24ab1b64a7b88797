import Synchronization

/// The log's kept schemas as one task's converters see them: those a record about to be appended needs wait here for its transaction.
final class TransactionSchemas: ConverterSchemas {
    private let kept: any LogSchemas
    private let waiting = Mutex<[StoredSchema]>([])

    init?(_ kept: (any LogSchemas)?) {
        guard let kept else { return nil }
        self.kept = kept
    }

    func use(_ schema: StoredSchema) {
        waiting.withLock { waiting in
            if !waiting.contains(where: { $0.id == schema.id }) { waiting.append(schema) }
        }
    }

    func schema(_ id: SchemaID) throws -> [UInt8] {
        if let mine = waiting.withLock({ $0.first { $0.id == id } }) { return mine.json }
        if let json = try kept.schema(id) { return json }
        throw ConnectError(
            .data, code: "record.schema_unknown", "the record names schema \(String(id.value, radix: 16)), which this log does not have",
            suggestion: "the record was copied here from another log, or the log was damaged")
    }

    var isEmpty: Bool { waiting.withLock { $0.isEmpty } }

    /// What the open transaction must store; they stay waiting until ``forget(_:)``, so that an abort loses none.
    func toStore() -> [StoredSchema] { waiting.withLock { $0 } }

    func forget(_ stored: [StoredSchema]) {
        waiting.withLock { waiting in waiting.removeAll { schema in stored.contains { $0.id == schema.id } } }
    }
}
