/// A task's transforms under its error policy: what fails is retried, given up or fatal as `errors.*` says.
final class TransformSteps {
    private let chain: TransformChain
    private let retry: RetryOperator

    var isEmpty: Bool { chain.isEmpty }

    init(_ map: ConfigMap, catalogue: PluginCatalogue, retry: RetryOperator) throws {
        self.retry = retry
        chain = try TransformChain(map, catalogue: catalogue)
    }

    /// Runs every step over the batch.
    /// - Throws: the error of a record that the error policy does not let pass; its entry is marked.
    func apply(to batch: inout RecordBatch) throws {
        try chain.apply(to: &batch) { entry, className, error, again in
            try retry.run(.transformation, className, &entry, firstError: error, again)
        }
    }

    func topics(of topic: Name) -> Set<Name> { chain.topics(of: topic) }

    func close() { chain.close() }
}
