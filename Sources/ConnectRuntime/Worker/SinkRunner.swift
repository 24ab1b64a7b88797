/// Runs a sink task on its thread: consume → converters → transforms → `put`, and from time to time a commit of the group's offsets.
///
/// Order at start (D7): fence the log session, claim the target (`open`), read the rows of dead letters already written.
final class SinkRunner {
    private let handle: TaskHandle
    private let parts: WorkerParts
    private let logger: Logger

    init(handle: TaskHandle, parts: WorkerParts, logger: Logger) {
        self.handle = handle
        self.parts = parts
        self.logger = logger
    }

    static func group(_ connector: Name, _ config: ConfigMap) -> Name {
        Name(config.text(ClientOverrides.group) ?? "connect-\(connector)")
    }

    /// Runs until the task is to stop.
    /// - Throws: the error that ended it; a `.retriable` one has the caller begin again from the committed positions.
    func run(_ task: any SinkTask, _ whenItWorks: () -> Void) throws {
        let specification = handle.specification
        handle.monitor.enter(.starting)
        let producer = try parts.log.openProducer(ProducerID(Name("sink/\(specification.connector)/\(specification.task)")))
        defer { producer.close() }
        let retry = RetryOperator(handle: handle, clock: parts.clock)
        let plugins = try TaskPlugins(specification, parts, schemas: TransactionSchemas(parts.log.schemas), retry: retry)
        defer { plugins.close() }
        let queue = DeadLetterQueue(
            log: parts.log, producer: producer, policy: plugins.policy, handle: handle, clock: parts.clock, logger: logger)
        try queue.prepare()
        let context = SinkRunnerContext(handle, epoch: producer.epoch, parts: parts, logger: logger)
        let policy = plugins.policy
        let reporter =
            policy.deadLetterTopic != nil || policy.tolerance == .all || policy.logsErrors
            ? SinkReporter(queue: queue, policy: policy, className: specification.plugin.className.text, metrics: handle.metrics) : nil
        context.reporter = reporter
        context.emitter = SinkEmitter(log: parts.log, producer: producer, handle: handle)
        let resolved = try parts.references.resolve(specification.connectorConfig)
        let resetPolicy = ClientOverrides.resetPolicy(resolved)
        let consumer = try parts.log.openConsumer(
            ConsumerOptions(
                group: Self.group(specification.connector, resolved), resetPolicy: resetPolicy,
                clientID: "\(specification.connector)-\(specification.task)"))
        let waker = ConsumerWaker(consumer: consumer)
        handle.mailbox.setWaker({ waker.wakeUp() }, release: { waker.close() })
        defer {
            handle.mailbox.setWaker(nil)
            consumer.close()
        }
        defer {
            handle.monitor.enter(.stopping)
            task.stop()
        }
        try task.start(plugins.config, context: context)
        try consumer.subscribe(Self.subscription(plugins.base))
        handle.monitor.setNote(nil)
        let helper = try RecordReading.helper(specification, plugins, parts)
        defer { helper?.stop() }
        let delivery = SinkDelivery(
            task: task, consumer: consumer, plugins: plugins, retry: retry, queue: queue, reporter: reporter, context: context,
            handle: handle, parts: parts, logger: logger, resetPolicy: resetPolicy, helper: helper)
        do {
            try delivery.loop(whenItWorks)
        } catch {
            delivery.giveUp(ConnectError(error))
            throw error
        }
    }

    private static func subscription(_ base: Config) throws -> Subscription {
        let pattern = try base.value(ConnectorSettings.topicsRegex)
        if pattern.trimmedASCII.isEmpty {
            return .topics(try base.value(ConnectorSettings.topics).filter { !$0.isEmpty }.map { Name($0) })
        }
        let compiled = try TopicPattern(pattern)
        return .matching { compiled.matches($0) }
    }
}

/// The calls of a consumer that any thread may make.
/// `@unchecked Sendable`: only `wakeUp()` and `close()` are reached through it, which the contract allows from everywhere.
private struct ConsumerWaker: @unchecked Sendable {
    let consumer: any LogConsumer
    func wakeUp() { consumer.wakeUp() }
    func close() { consumer.close() }
}
