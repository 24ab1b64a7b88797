import ConnectREST
import ConnectRuntime
import EmbeddedLog

/// `connectd quickstart`: the main job on real input, in a folder of its own.
enum QuickstartCommand {
    static func command(_ environment: Environment, _ catalogue: @escaping @Sendable () -> PluginCatalogue) -> Command {
        Command(
            name: "quickstart", summary: "watch a small shop's changes flow from one SQLite file into another, to a webhook, and through PostgreSQL where there is one",
            options: [
                .flag("keep", "leave the files where they are at the end"),
                .value("exit-after", "N", "end after N seconds; otherwise Ctrl-C does"),
            ] + LogOptions.options
        ) { arguments, terminal in
            Failure.caught(terminal) {
                var seconds: Int?
                if let text = arguments.value("exit-after") {
                    guard let number = Int(text), (1...86_400).contains(number) else {
                        throw UsageError(message: "--exit-after is \"\(text)\"", suggestion: "write a number of seconds, 15 for instance")
                    }
                    seconds = number
                }
                let logger = try LogOptions.logger(arguments, terminal, default: .warning)
                Signals.block()
                let folder = try QuickstartFolder(environment)
                let keeps = arguments.has("keep")
                defer { if !keeps { folder.remove() } }
                return try Quickstart(folder: folder, keeps: keeps, terminal: terminal).run(
                    seconds: seconds, catalogue: catalogue(), environment: environment, logger: logger)
            }
        }
    }
}

private struct Quickstart {
    let folder: QuickstartFolder
    let keeps: Bool
    let terminal: Terminal

    /// How long the copy may take to catch up at the end.
    private static let catchUpMilliseconds = 15_000

    func run(seconds: Int?, catalogue: PluginCatalogue, environment: Environment, logger: Logger) throws -> ExitCode {
        let shop = folder.file("shop.db"), copy = folder.file("copy.db")
        try Shop.create(shop)
        let (postgres, why) = ShopPostgres.start(folder, environment)
        defer { postgres?.server.stop() }
        let endpoint = ShopWebhook(), endpointServer: RestServer
        do { endpointServer = try RestServer(ListenAddress(host: "127.0.0.1", port: 0)) } catch {
            throw FindingsError(findings: [Finding(ConnectError(error))], exitCode: .environment)
        }
        defer { endpointServer.stop() }
        endpointServer.serve(endpoint)
        let hook = "http://\(endpointServer.address)/changes"
        let options = WorkerOptions(
            connectors: [
                connector(
                    "shop-source", ["connector.class": "SqliteSource", "connection.url": "sqlite:\(shop)", "topic.prefix": "shop",
                        "table.include.list": "customers,orders"]),
            ], settings: try WorkerSettings(), dataDirectory: folder.file("data"), listen: ListenAddress(host: "127.0.0.1", port: 0),
            hosts: ["127.0.0.1"])
        let worker = try RunningWorker.start(options, catalogue: catalogue, environment: environment, logger: logger)
        defer { worker.stop() }
        try startSinks(copy, hook, postgres, worker)
        terminal.print("connectd \(Program.version) \(terminal.dash) a shop in a SQLite file, its changes on topics, a copy in another SQLite file")
        terminal.print("  folder        \(folder.path) (\(keeps ? "kept at the end" : "removed at the end; --keep keeps it"))")
        terminal.print("  \(terminal.check) shop.db     tables customers and orders, 3 rows each; a writer keeps changing them")
        terminal.print("  \(terminal.check) shop-source SqliteSource: shop.db -> topics shop.customers and shop.orders")
        terminal.print("  \(terminal.check) shop-copy   SqliteSink: topics -> copy.db")
        terminal.print("  \(terminal.check) shop-hook   HttpSink: topics -> a POST for each change to \(hook)")
        if postgres != nil {
            terminal.print("  \(terminal.check) PostgreSQL  a server in postgres/: topics -> shop-postgres -> its tables -> postgres-source -> topics -> postgres-copy.db")
        } else {
            terminal.print("  \(terminal.dash) PostgreSQL  left out: \(why)")
        }
        terminal.print("  \(terminal.check) REST        \(worker.url)\n")

        let writer = ShopWriter(shop)
        let printer = ChangePrinter(log: worker.log, copy: copy, writer: writer, terminal: terminal)
        try writer.start()
        try printer.start()
        let names = ["shop-source", "shop-copy", "shop-hook"] + (postgres == nil ? [] : ShopPostgres.names)
        let failure = watch(worker, names, writer, seconds: seconds)
        writer.stop()
        printer.stop()
        if let failure = failure ?? writer.failure {
            terminal.tell(Finding("quickstart.failed", failure, suggestion: "connectd quickstart --keep --log-level debug shows more").text(terminal))
            return .failure
        }
        return compare(shop, copy, endpoint, postgres, changes: writer.changes, worker)
    }

    /// Makes the sinks once the topics are there: one that was there before them looks for new ones only now and then.
    private func startSinks(_ copy: String, _ hook: String, _ postgres: ShopPostgres?, _ worker: RunningWorker) throws {
        try waitForTopics(Shop.tables.count, worker)
        let sinks = [
            connector("shop-copy", ["connector.class": "SqliteSink", "connection.url": "sqlite:\(copy)", "topics": "shop.customers,shop.orders"]),
            connector("shop-hook", ["connector.class": "HttpSink", "http.url": hook, "topics": "shop.customers,shop.orders"]),
        ]
        try put(sinks, worker)
        guard let postgres else { return }
        try put(postgres.first.map { connector($0.name, $0.config) }, worker)
        try waitForTopics(2 * Shop.tables.count, worker)
        try put([connector(postgres.last.name, postgres.last.config)], worker)
    }

    private func waitForTopics(_ count: Int, _ worker: RunningWorker) throws {
        let clock = SystemClock(), pause = WakeUp()
        let deadline = clock.monotonicNanoseconds() + UInt64(Self.catchUpMilliseconds) * 1_000_000
        while try worker.log.topics().count < count, clock.monotonicNanoseconds() < deadline { _ = pause.wait(milliseconds: 5) }
    }

    private func put(_ connectors: [DeclaredConnector], _ worker: RunningWorker) throws {
        do throws(HerderError) {
            for connector in connectors { _ = try worker.herder.put(connector.name, connector.config, initialState: nil, replacing: true) }
        } catch {
            throw ConnectError(.fatal, code: "quickstart.failed", error.message)
        }
    }

    private func connector(_ name: Name, _ pairs: KeyValuePairs<Name, String>) -> DeclaredConnector { connector(name, ConfigMap(pairs)) }

    private func connector(_ name: Name, _ settings: ConfigMap) -> DeclaredConnector {
        var config = settings
        config["name"] = .some(name.text)
        return DeclaredConnector(name: name, config: config, initialState: nil, place: Finding.Place(file: "quickstart"), places: [:], pointer: [])
    }

    /// Waits for the end: the time, a signal, or a task that failed.
    /// - Returns: why it cannot go on.
    private func watch(_ worker: RunningWorker, _ names: [Name], _ writer: ShopWriter, seconds: Int?) -> String? {
        var passed = 0
        while true {
            if Signals.wait(milliseconds: 1000) != nil { return nil }
            passed += 1
            if let failure = writer.failure { return failure }
            for name in names {
                guard let status = try? worker.herder.status(name) else { continue }
                for part in [status.connector] + status.tasks where part.status.state == .failed {
                    return "\(name) failed: \(part.status.trace ?? "")"
                }
            }
            if let seconds, passed >= seconds { return nil }
        }
    }

    private func compare(_ shop: String, _ copy: String, _ endpoint: ShopWebhook, _ postgres: ShopPostgres?, changes: Int64, _ worker: RunningWorker) -> ExitCode {
        let clock = SystemClock()
        let deadline = clock.monotonicNanoseconds() + UInt64(Self.catchUpMilliseconds) * 1_000_000
        let pause = WakeUp()
        let source = Shop.content(shop) ?? []
        guard becomesEqual("copy.db", source, deadline, { Shop.content(copy) }) else { return .failure }
        if let postgres {
            guard becomesEqual("PostgreSQL", source, deadline, { postgres.content() }),
                becomesEqual("postgres-copy.db", source, deadline, { Shop.content(postgres.copy) })
            else { return .failure }
        }
        let rows = zip(Shop.tables, source).map { "\($1.count) in \($0)" }.joined(separator: ", ")
        terminal.print("\n\(terminal.check) copy.db equals shop.db row for row after \(changes) changes: \(rows)")
        if postgres != nil { terminal.print("\(terminal.check) the tables in PostgreSQL and postgres-copy.db, made from their changes, equal shop.db row for row too") }
        // Every record of the topics, once by its key; the tombstone after each deletion is not sent.
        func sent() -> Int64 { Int64(endpoint.received.changes + endpoint.received.deletions) }
        let onTopics = Shop.tables.reduce(Int64(0)) { $0 + ((try? worker.log.bounds(of: TopicPartition(Name("shop.\($1)"), 0)).end) ?? 0) }
        while sent() < onTopics, clock.monotonicNanoseconds() < deadline { _ = pause.wait(milliseconds: 20) }
        let received = endpoint.received
        guard sent() == onTopics else {
            terminal.tell(
                Finding("quickstart.webhook", "the webhook received \(received.changes) changes, \(onTopics - sent()) are missing", suggestion: "connectd quickstart --keep --log-level debug shows more").text(terminal))
            return .failure
        }
        terminal.print("\(terminal.check) the webhook received each of the \(received.changes) changes, in \(received.requests) requests")
        if keeps {
            terminal.print("Next: connectd topics consume shop.orders --from-beginning --data-dir \(folder.path)/data")
        } else {
            terminal.print("Next: connectd quickstart --keep, and connectd standalone connectors.json for files of your own")
        }
        return .ok
    }

    /// Waits until a copy equals the shop, and says what differs where it does not.
    private func becomesEqual(_ name: String, _ source: [[String]], _ deadline: UInt64, _ content: () -> [[String]]?) -> Bool {
        let clock = SystemClock(), pause = WakeUp()
        while true {
            let target = content() ?? []
            if target == source { return true }
            if clock.monotonicNanoseconds() >= deadline {
                terminal.print("")
                var lines = ["\(name) differs from shop.db:"]
                for (index, table) in Shop.tables.enumerated() {
                    let left = Set(index < source.count ? source[index] : []), right = Set(index < target.count ? target[index] : [])
                    for row in left.subtracting(right).sorted() { lines.append("\(table): missing in the copy: \(row)") }
                    for row in right.subtracting(left).sorted() { lines.append("\(table): only in the copy: \(row)") }
                }
                terminal.tell(
                    Finding("quickstart.differs", lines.joined(separator: "\n"), suggestion: "connectd quickstart --keep --log-level debug shows more").text(terminal))
                return false
            }
            _ = pause.wait(milliseconds: 20)
        }
    }
}
