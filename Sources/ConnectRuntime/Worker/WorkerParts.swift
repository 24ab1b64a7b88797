/// What every task and connector of a worker shares.
package struct WorkerParts: Sendable {
    package let log: any TopicLog
    package let catalogue: PluginCatalogue
    package let settings: WorkerSettings
    package let references: ReferenceResolver
    package let clock: any WorkerClock
    package let logger: Logger
    package let captured = CapturedTables()

    package init(
        log: any TopicLog, catalogue: PluginCatalogue, settings: WorkerSettings, references: ReferenceResolver,
        clock: any WorkerClock, logger: Logger
    ) {
        self.log = log
        self.catalogue = catalogue
        self.settings = settings
        self.references = references
        self.clock = clock
        self.logger = logger
    }
}

/// What a task is to run.
package struct TaskSpecification: Sendable {
    package let connector: Name
    package let task: Int
    /// The connector's configuration as stored, references unresolved.
    package let connectorConfig: ConfigMap
    /// The task's configuration as stored.
    package let taskConfig: ConfigMap
    package let plugin: Plugin
    package let paused: Bool
    /// How many tasks the set has, so that sessions of an older, larger set are fenced.
    package let taskCount: Int

    package init(
        connector: Name, task: Int, connectorConfig: ConfigMap, taskConfig: ConfigMap, plugin: Plugin, paused: Bool, taskCount: Int
    ) {
        self.connector = connector
        self.task = task
        self.connectorConfig = connectorConfig
        self.taskConfig = taskConfig
        self.plugin = plugin
        self.paused = paused
        self.taskCount = taskCount
    }
}
