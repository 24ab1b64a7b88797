/// The configured transforms in their order, each with its predicate.
///
/// A record that a step drops or fails for keeps its place in the batch with its outcome; later steps pass over it.
final class TransformSteps {
    private struct Step {
        let transform: any Transform
        let className: String
        let predicate: (any Predicate)?
        let negate: Bool
    }
    private var steps: [Step] = []
    private let retry: RetryOperator
    private var live: [Int] = []

    var isEmpty: Bool { steps.isEmpty }

    init(_ map: ConfigMap, catalogue: PluginCatalogue, retry: RetryOperator) throws {
        self.retry = retry
        for alias in splitList(map.text("transforms") ?? "") {
            let prefix = "transforms.\(alias)."
            let own = map.subset(prefix: prefix)
            let className = own.text("type") ?? ""
            guard let plugin = catalogue.find(className, { $0 == .transformation }), case .transform(let make) = plugin.factory else {
                throw Self.unknown(className, prefix + "type")
            }
            let transform = make()
            try transform.configure(try plugin.definition.parsed(own))
            var predicate: (any Predicate)?
            if let name = own.text("predicate") {
                let settings = map.subset(prefix: "predicates.\(name).")
                let className = settings.text("type") ?? ""
                guard let plugin = catalogue.find(className, { $0 == .predicate }), case .predicate(let make) = plugin.factory else {
                    throw Self.unknown(className, "predicates.\(name).type")
                }
                let made = make()
                try made.configure(try plugin.definition.parsed(settings))
                predicate = made
            }
            let negate = own.text("negate")?.trimmedASCII.lowercased() == "true"
            steps.append(Step(transform: transform, className: className, predicate: predicate, negate: negate))
        }
    }

    private static func unknown(_ className: String, _ setting: String) -> ConnectError {
        ConnectError(
            .configuration, code: "config.unknown_class",
            "Invalid value \(className) for configuration \(setting): Class \(className) could not be found.")
    }

    /// Runs every step over the batch.
    /// - Throws: the error of a record that the error policy does not let pass; its entry is marked.
    func apply(to batch: inout RecordBatch) throws {
        for step in steps {
            live.removeAll(keepingCapacity: true)
            for index in batch.entries.indices where batch.entries[index].outcome.isLive {
                if let predicate = step.predicate {
                    let record = batch.entries[index].record
                    let verdict = try retry.run(.transformation, step.className, &batch.entries[index]) { (_: inout Record) in
                        try predicate.test(record)
                    }
                    guard let verdict, verdict != step.negate else { continue }
                }
                live.append(index)
            }
            if live.isEmpty { continue }
            for (index, result) in step.transform.apply(to: &batch.entries, at: live) {
                switch result {
                case .success(.keep): break
                case .success(.drop): batch.entries[index].outcome = .filtered
                case .failure(let error):
                    let verdict = try retry.run(.transformation, step.className, &batch.entries[index], firstError: error) {
                        try step.transform.apply(&$0)
                    }
                    if verdict == .drop { batch.entries[index].outcome = .filtered }
                }
            }
        }
    }

    func close() {
        for step in steps {
            step.transform.close()
            step.predicate?.close()
        }
    }
}
