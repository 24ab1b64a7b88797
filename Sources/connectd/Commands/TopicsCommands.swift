import ConnectREST
import ConnectRuntime

/// `connectd topics …`: what is on the topics, of a running worker or of a stopped one's folder.
enum TopicsCommands {
    private static let whereOptions = [
        Option.value("url", "URL", "the running worker to ask (CONNECTD_URL, or http://127.0.0.1:8083)"),
        Option.value("data-dir", "DIR", "read the data folder of a stopped worker instead"),
    ]

    static func all(_ environment: Environment, openLog: @escaping @Sendable (String) throws -> any TopicLog) -> [Command] {
        let open: @Sendable (Arguments) throws -> any TopicAccess = { arguments in
            if let folder = arguments.value("data-dir") {
                guard arguments.value("url") == nil else {
                    throw UsageError(message: "--url and --data-dir exclude each other", suggestion: "leave one of them out")
                }
                return LocalTopics(try openLog(folder))
            }
            return RemoteTopics(try RestClient(arguments.value("url") ?? environment["CONNECTD_URL"] ?? "http://127.0.0.1:8083"))
        }
        return [
            Command(name: "topics list", summary: "list the topics", options: whereOptions + OutputFormat.options) { arguments, terminal in
                Failure.caught(terminal) {
                    let format = try OutputFormat(arguments)
                    let access = try open(arguments)
                    defer { access.close() }
                    return show(try access.list(), format, terminal)
                }
            },
            Command(
                name: "topics describe", summary: "show a topic's partitions and settings", operands: "TOPIC", operandRange: 1...1,
                options: whereOptions + OutputFormat.options
            ) { arguments, terminal in
                Failure.caught(terminal) {
                    let format = try OutputFormat(arguments)
                    let access = try open(arguments)
                    defer { access.close() }
                    return describe(try access.describe(Name(arguments.operands[0])), format, terminal)
                }
            },
            Command(
                name: "topics consume", summary: "print a topic's records, one JSON object each", operands: "TOPIC", operandRange: 1...1,
                options: whereOptions + [
                    .flag("from-beginning", "begin at the first record; otherwise at the group's position, or at the end"),
                    .value("max", "N", "stop after N records"),
                    .value("group", "G", "begin where the group stopped, and keep where it is now"),
                    .flag("with-schema", "show keys and values as {\"schema\", \"payload\"}"),
                    .value("value-format", "json|string|base64", "how to show keys and values; otherwise each as it is"),
                    .flag("follow", "go on waiting for new records (not with --data-dir)"),
                ],
                discussion: "Without --follow it ends at the end of the topic. Keys and values are JSON where the bytes are one JSON document,\n"
                    + "else text, else {\"base64\": …}."
            ) { arguments, terminal in
                Failure.caught(terminal) {
                    let reading = try reading(arguments)
                    let maximum = try maximum(arguments)
                    if arguments.has("follow"), arguments.value("data-dir") != nil {
                        throw UsageError(message: "--follow needs a running worker", suggestion: "leave --data-dir out and name the worker with --url")
                    }
                    let access = try open(arguments)
                    defer { access.close() }
                    let loop = ConsumeLoop(access: access, reading: reading, maximum: maximum, follows: arguments.has("follow"))
                    let printed = try loop.run { terminal.print($0) }
                    if printed == 0, !reading.fromBeginning, reading.group == nil {
                        terminal.tell("nothing new on \(reading.topic) \(terminal.dash) --from-beginning shows what is there, --follow waits")
                    }
                    return .ok
                }
            },
        ]
    }

    private static func reading(_ arguments: Arguments) throws -> TopicReading {
        var valueFormat: RecordFormat.ValueFormat?
        if let word = arguments.value("value-format") {
            guard let known = RecordFormat.ValueFormat(rawValue: word) else {
                throw UsageError(message: "there is no value format \"\(word)\"", suggestion: "write json, string or base64")
            }
            valueFormat = known
        }
        return TopicReading(
            topic: Name(arguments.operands[0]), fromBeginning: arguments.has("from-beginning"),
            group: arguments.value("group").map { Name($0) },
            format: RecordFormat(valueFormat: valueFormat, withSchema: arguments.has("with-schema")))
    }

    private static func maximum(_ arguments: Arguments) throws -> Int? {
        guard let text = arguments.value("max") else { return nil }
        guard let number = Int(text), number > 0 else {
            throw UsageError(message: "--max is \"\(text)\"", suggestion: "write a number from 1 up")
        }
        return number
    }

    private static func show(_ topics: JSON, _ format: OutputFormat, _ terminal: Terminal) -> ExitCode {
        guard format == .table else {
            terminal.print(JSON.object([JSON.Member("topics", topics)]).serialized(pretty: true) + [0x0A])
            return .ok
        }
        let rows = (topics.elements ?? []).map { topic in
            [
                topic["name"]?.text ?? "", String(topic["partitions"]?.elements?.count ?? 0), number(topic["records"]), number(topic["bytes"]),
                topic["config"]?["cleanup.policy"]?.text ?? "",
            ]
        }
        terminal.print(Table.text(["TOPIC", "PARTITIONS", "RECORDS", "BYTES", "CLEANUP"], rows))
        return .ok
    }

    private static func describe(_ topic: JSON, _ format: OutputFormat, _ terminal: Terminal) -> ExitCode {
        guard format == .table else {
            terminal.print(topic.serialized(pretty: true) + [0x0A])
            return .ok
        }
        terminal.print("\(topic["name"]?.text ?? "")  id \(topic["id"]?.text ?? "")")
        for setting in topic["config"]?.members ?? [] { terminal.print("  \(setting.name) = \(setting.value.text ?? number(setting.value))") }
        let rows = (topic["partitions"]?.elements ?? []).map { partition in
            [number(partition["partition"]), number(partition["start"]), number(partition["end"]), number(partition["bytes"])]
        }
        terminal.print(Table.text(["PARTITION", "START", "END", "BYTES"], rows))
        return .ok
    }

    private static func number(_ json: JSON?) -> String { json?.int64.map { String($0) } ?? "" }
}
