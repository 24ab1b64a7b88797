internal import ConnectRuntime

/// Schemas stored beside the records (D14).
final class EmbeddedSchemas: LogSchemas {
    private let engine: EmbeddedLog
    init(_ engine: EmbeddedLog) { self.engine = engine }

    func schema(_ id: SchemaID) throws(LogError) -> [UInt8]? {
        if let cached = engine.cachedSchema(id) { return cached }
        let stored = try engine.read { storage in try storage.value(.schema, schemaKey(id)) }
        if let stored { engine.cache(StoredSchema(id: id, json: stored)) }
        return stored
    }
}
