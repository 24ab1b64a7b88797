/// The configured transforms of a connector in their order, each with its predicate, over whole batches.
///
/// A record that a step drops or fails for keeps its place in the batch with its outcome; later steps pass over it. Made, used and closed on the task's thread.
public final class TransformChain {
    private struct Step {
        let transform: any Transform
        let className: String
        let condition: Condition?
    }

    private struct Condition {
        let predicate: any Predicate
        let className: String
        let negate: Bool
    }

    private let steps: [Step]

    /// Says what becomes of a record for which a transform or predicate threw. It may call `again`, which repeats the step for this record
    /// (true: it goes on, or the condition holds), and returns what that returned; or marks the entry's outcome and returns `nil`; or throws, which ends the batch.
    public typealias ErrorHandler = (
        _ entry: inout RecordBatch.Entry, _ className: String, _ error: any Error, _ again: (inout Record) throws -> Bool
    ) throws -> Bool?

    /// Makes and configures what `transforms` and `predicates` name.
    /// - Parameter map: the connector's configuration, references resolved.
    /// - Throws: ``ConnectError`` of kind `.configuration` with every problem.
    public init(_ map: ConfigMap, catalogue: PluginCatalogue) throws {
        let (declared, problems) = TransformSettings.read(map, catalogue)
        if let first = problems.first {
            throw ConnectError(
                .configuration, code: first.code, problems.map(\.message).joined(separator: "\n"), suggestion: first.suggestion)
        }
        var steps: [Step] = []
        for entry in declared {
            guard case .transform(let make) = entry.plugin.factory else { continue }
            let transform = make()
            try transform.configure(entry.config)
            var condition: Condition?
            if let declared = entry.condition, case .predicate(let make) = declared.plugin.factory {
                let predicate = make()
                try predicate.configure(declared.config)
                condition = Condition(predicate: predicate, className: declared.className, negate: declared.negate)
            }
            steps.append(Step(transform: transform, className: entry.className, condition: condition))
        }
        self.steps = steps
    }

    /// What is wrong with the transforms and predicates of a configuration, every problem at once, each under its full setting name.
    public static func problems(in map: ConfigMap, catalogue: PluginCatalogue) -> [ConfigProblem] {
        TransformSettings.problems(map, catalogue)
    }

    public var isEmpty: Bool { steps.isEmpty }

    /// Runs every step over the batch's live entries.
    /// - Throws: what `onError` throws.
    public func apply(to batch: inout RecordBatch, onError: ErrorHandler) throws {
        guard !steps.isEmpty else { return }
        var live = batch.entries.indices.filter { batch.entries[$0].outcome.isLive }
        for step in steps {
            if live.isEmpty { return }
            let affected = try step.condition.map { try select($0, live, &batch, onError) } ?? live
            if affected.isEmpty { continue }
            let exceptions = step.transform.apply(to: &batch.entries, at: affected)
            for (index, result) in exceptions {
                let goesOn: Bool?
                switch result {
                case .success(let verdict): goesOn = verdict == .keep
                case .failure(let error):
                    let origin = batch.entries[index].origin
                    goesOn = try onError(&batch.entries[index], step.className, error) { record in
                        try TransformChain.applyAgain(step.transform, &record, origin)
                    }
                }
                if goesOn == false { batch.entries[index].outcome = .filtered }
            }
            if !exceptions.isEmpty || step.condition != nil { live.removeAll { !batch.entries[$0].outcome.isLive } }
        }
    }

    /// Where records of a topic may go, as far as topics alone tell.
    public func topics(of topic: Name) -> Set<Name> {
        var topics: Set<Name> = [topic]
        for step in steps {
            topics = topics.reduce(into: []) { reached, topic in
                let holds = step.condition.map { condition in condition.predicate.holds(forTopic: topic).map { $0 != condition.negate } } ?? true
                if holds != false { reached.insert(step.transform.topic(after: topic)) }
                if holds != true { reached.insert(topic) }
            }
        }
        return topics
    }

    public func close() {
        for step in steps {
            step.transform.close()
            step.condition?.predicate.close()
        }
    }

    /// The entries that the step is for, ascending.
    private func select(
        _ condition: Condition, _ live: [Int], _ batch: inout RecordBatch, _ onError: ErrorHandler
    ) throws -> [Int] {
        let (holding, failures) = condition.predicate.select(from: batch.entries, at: live)
        var verdicts: [Int: Bool] = [:]
        for (index, error) in failures {
            let holds = try onError(&batch.entries[index], condition.className, error) { try condition.predicate.test($0) }
            if let holds { verdicts[index] = holds }
        }
        if failures.isEmpty, !condition.negate { return holding }
        let failed = Set(failures.map(\.index)), held = Set(holding)
        return live.filter { index in
            if failed.contains(index) { return verdicts[index].map { $0 != condition.negate } ?? false }
            return held.contains(index) != condition.negate
        }
    }

    /// One record again, with its origin beside it as in the batch.
    private static func applyAgain(_ transform: any Transform, _ record: inout Record, _ origin: Origin) throws -> Bool {
        var alone = [RecordBatch.Entry(record: record, origin: origin)]
        let exceptions = transform.apply(to: &alone, at: [0])
        record = alone[0].record
        guard let result = exceptions.first?.result else { return true }
        return try result.get() == .keep
    }
}
