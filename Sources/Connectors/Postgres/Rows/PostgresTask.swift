internal import ConnectRuntime

/// The task of a PostgreSQL source: by triggers' changes or by the tables themselves, as its configuration says.
final class PostgresTask: SourceTask {
    private let dialect: PostgresSource.Dialect
    private var task: (any SourceTask)?

    init(_ dialect: PostgresSource.Dialect) {
        self.dialect = dialect
    }

    func start(_ config: Config, context: any SourceTaskContext) throws {
        let options = try dialect.options(config)
        let task: any SourceTask =
            options.readsChanges ? PostgresSourceTask(dialect) : PostgresRowsTask(options)
        self.task = task
        try task.start(config, context: context)
    }

    func poll(into batch: inout RecordBatch) throws { try task?.poll(into: &batch) }
    func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws { try task?.committed(offsets) }
    func stop() { task?.stop() }
}
