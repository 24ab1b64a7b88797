internal import ConnectRuntime
internal import Postgres
internal import Synchronization

/// Notices that tables come or go where several tasks share them: each task knows its own only. A thread of the connector's, with a session for each look.
final class TableWatch: Sendable {
    private let generation = Atomic<Int>(0)

    static let everyMilliseconds = 10_000

    /// Watches from now on, in place of an earlier watch; asks once for new task configurations and ends, since those bring a new watch.
    func start(_ options: SourceOptions, known: [Name], context: any ConnectorContext) throws(ConnectError) {
        let mine = generation.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
        try PlainThread.start("pg-tables") { [self] in
            while !context.wakeUp.wait(milliseconds: TableWatch.everyMilliseconds), generation.load(ordering: .acquiring) == mine {
                // A server that is away is the tasks' to say.
                guard let found = try? TableWatch.tables(options, context), found != known else { continue }
                context.logger.info("tables came or went: sharing them among the tasks anew")
                return context.requestTaskReconfiguration()
            }
        }
    }

    func stop() { generation.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    /// The tables that a configuration means, sorted.
    static func tables(_ options: SourceOptions, _ context: (any ConnectorContext)?) throws -> [Name] {
        let connection = try Connection.open(
            options.connection, timeoutMilliseconds: options.connectionTimeout,
            interruption: Connection.Interruption(descriptor: context?.wakeUp.fileDescriptor ?? -1, graceMilliseconds: 0))
        defer { connection.close() }
        return try ChosenTables(PostgresCatalog(connection: connection), options).chosen.map(\.fullName).sorted()
    }
}
