public import ConnectRuntime

/// What a path means: one case for each resource. What a method does to it is the handlers' matter.
public enum Route: Sendable, Hashable {
    case root
    case health, healthz, readyz
    case connectors
    case connector(Name)
    case config(Name)
    case status(Name)
    case tasks(Name)
    case taskStatus(Name, task: Int)
    case taskRestart(Name, task: Int)
    case offsets(Name)
    case usedTopics(Name)
    case usedTopicsReset(Name)
    case pause(Name), resume(Name), stop(Name), restart(Name)
    case plugins
    case pluginConfig(String)
    case pluginValidate(String)
    // Ours, under /_connectd/.
    case notes
    case connectorNotes(Name)
    case topics
    case topic(Name)
    case records(Name)
    case groupOffsets(Name)
    // The Confluent REST proxy's.
    case produce(Name)

    /// Methods it knows, OPTIONS and (beside GET) HEAD not counted.
    public var methods: [Method] {
        switch self {
        case .root, .health, .healthz, .readyz, .status, .tasks, .taskStatus, .usedTopics, .plugins, .pluginConfig: [.get]
        case .notes, .connectorNotes, .topics, .topic, .records: [.get]
        case .connectors: [.post, .get]
        case .connector: [.delete, .get]
        case .config: [.get, .patch, .put]
        case .offsets: [.delete, .get, .patch]
        case .taskRestart, .restart, .produce: [.post]
        case .pause, .resume, .stop, .usedTopicsReset, .pluginValidate: [.put]
        case .groupOffsets: [.get, .put]
        }
    }

    /// All of them, in the order in which Connect lists them.
    var allowed: [Method] {
        Method.allCases.filter { method in
            methods.contains(method) || method == .options || method == .head && methods.contains(.get)
        }
    }

    /// Whether its calls may wait for long, so that they run beside the others.
    var isLongPoll: Bool {
        switch self {
        // They wait for records, or for the disk.
        case .records, .produce: true
        default: false
        }
    }
}
