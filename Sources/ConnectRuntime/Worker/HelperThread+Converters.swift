extension HelperThread {
    /// A helper that converts, where there is one: with a second processor, and converters that may be made twice. It has its own, made, used
    /// and dropped on its thread (D2).
    /// - Parameters:
    ///   - work: one word for the thread's name, behind the connector's.
    ///   - schemas: what its converters keep and find schemas in.
    static func converting(
        _ work: String, _ specification: TaskSpecification, _ plugins: TaskPlugins, _ parts: WorkerParts, _ schemas: TransactionSchemas?,
        _ perform: @escaping @Sendable (Portion, _ key: any Converter, _ value: any Converter) -> Outcome
    ) throws -> HelperThread? {
        guard isOfUse, plugins.value is JsonConverter, plugins.key is any RuntimeConverter else { return nil }
        let map = try parts.references.resolve(specification.connectorConfig)
        return HelperThread(name: "\(specification.connector)-\(work)") {
            let key = try TaskPlugins.converter(.key, map, parts, schemas).0
            let value = try TaskPlugins.converter(.value, map, parts, schemas).0
            return Work(
                perform: { perform($0, key, value) },
                close: {
                    key.close()
                    value.close()
                })
        }
    }
}

/// A converter of the runtime's own: what it reads depends on its configuration and the bytes alone, so that two of them read the same.
protocol RuntimeConverter: Converter {}
extension JsonConverter: RuntimeConverter {}
extension StringConverter: RuntimeConverter {}
extension ByteArrayConverter: RuntimeConverter {}
extension NumberConverter: RuntimeConverter {}
