import ConnectRuntime
import Connectors
import Testing

/// A source task under test: started, polled, stopped, with its offsets kept between runs.
final class SourceRun {
    let context: TestSourceContext
    private let plugin: Plugin
    private let map: ConfigMap
    fileprivate var task: (any SourceTask)?

    init(_ className: String, _ map: ConfigMap, context: TestSourceContext = TestSourceContext()) throws {
        plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find(className) { $0 == .source })
        self.map = map
        self.context = context
    }

    func start() throws {
        let (config, problems) = plugin.definition.parse(map)
        try #require(problems.isEmpty, "\(problems)")
        guard case .source(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "\(plugin.className) is no source") }
        let connector = make()
        let task = connector.makeTask()
        self.task = task
        try task.start(config, context: context)
    }

    func poll() throws -> RecordBatch {
        var batch = RecordBatch()
        try task?.poll(into: &batch)
        context.store(batch)
        return batch
    }

    /// Polls until nothing comes for a poll (about a second), or until `enough` records came.
    func records(atLeast enough: Int, polls: Int = 200) throws -> [Record] {
        var records: [Record] = []
        for _ in 0..<polls where records.count < enough { records += try poll().entries.map(\.record) }
        return records
    }

    func stop() {
        task?.stop()
        task = nil
    }

    func committed() throws { try task?.committed(context.offsets.map { ($0.key, $0.value) }) }
}

extension SourceRun {
    /// A poll whose records a test keeps or loses by itself.
    func pollWithoutStoring() throws -> RecordBatch {
        var batch = RecordBatch()
        try task?.poll(into: &batch)
        return batch
    }
}
