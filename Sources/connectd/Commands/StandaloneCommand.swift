import ConnectRuntime

/// `connectd standalone`: one process, the topics in a folder.
enum StandaloneCommand {
    static func command(_ environment: Environment, _ catalogue: @escaping @Sendable () -> PluginCatalogue) -> Command {
        Command(
            name: "standalone", summary: "run connectors in this process", operands: "[FILE|FOLDER…]", operandRange: 0...1_000,
            options: [
                .value("worker-config", "FILE", "worker settings, as JSON or Java properties"),
                .value("data-dir", "DIR", "where topics, offsets and configurations live ($STATE_DIRECTORY, or ./connectd-data)"),
                .value("listen", "HOST:PORT", "where REST listens (127.0.0.1:8083); port 0 takes a free one"),
                .flag("allow-remote", "let REST listen beyond loopback, though it asks nobody for a password"),
                .value("set", "KEY=VALUE", "a worker setting; may be repeated", repeats: true),
            ] + LogOptions.options,
            discussion: "A FILE is {\"connectors\": {NAME: CONFIG}, \"worker\": {KEY: VALUE}}, or any form that Kafka Connect's standalone worker takes.\n"
                + "Connectors of files are applied as a PUT would; those created over REST stay."
        ) { arguments, terminal in
            Failure.caught(terminal) {
                let began = SystemClock().monotonicNanoseconds()
                let logger = try LogOptions.logger(arguments, terminal)
                let (declarations, findings) = ConfigurationFiles.load(arguments.operands)
                if !findings.isEmpty { throw FindingsError(findings: findings, exitCode: .invalid) }
                let catalogue = catalogue()
                let options = try WorkerOptions.make(
                    arguments, declarations: declarations, catalogue: catalogue, environment: environment, terminal: terminal)
                Signals.block()
                let worker = try RunningWorker.start(options, catalogue: catalogue, environment: environment, logger: logger)
                let seconds = Double(SystemClock().monotonicNanoseconds() - began) / 1e9
                terminal.tell(
                    "connectd \(Program.version) ready in \(Self.hundredths(seconds)) s \(terminal.dot) REST \(worker.url) \(terminal.dot) data \(options.dataDirectory)")
                _ = Signals.wait()
                Signals.unblock()
                worker.stop()
                return .ok
            }
        }
    }

    static func hundredths(_ seconds: Double) -> String {
        let number = Int((seconds * 100).rounded())
        return "\(number / 100)." + (number % 100 < 10 ? "0" : "") + "\(number % 100)"
    }
}
