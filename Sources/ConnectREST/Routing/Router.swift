import ConnectRuntime

/// Finds what a path means. Pure.
public enum Router {
    public enum Match: Sendable, Hashable {
        case found(Route)
        case notFound
        /// A known path in which something is no value of its type (a task that is no number).
        case noSuchValue
    }

    public static func match(_ segments: [String]) -> Match {
        switch segments.count {
        case 0: return .found(.root)
        case 1:
            switch segments[0] {
            case "connectors": return .found(.connectors)
            case "connector-plugins": return .found(.plugins)
            case "health": return .found(.health)
            case "healthz": return .found(.healthz)
            case "readyz": return .found(.readyz)
            default: return .notFound
            }
        default:
            let rest = segments[1...]
            switch segments[0] {
            case "connectors": return connector(Name(segments[1]), Array(rest.dropFirst()))
            case "connector-plugins": return plugin(segments[1], Array(rest.dropFirst()))
            case "_connectd": return ours(Array(rest))
            case "topics" where rest.count == 1: return .found(.produce(Name(segments[1])))
            default: return .notFound
            }
        }
    }

    private static func connector(_ name: Name, _ rest: [String]) -> Match {
        switch rest.count {
        case 0: return .found(.connector(name))
        case 1:
            switch rest[0] {
            case "config": return .found(.config(name))
            case "status": return .found(.status(name))
            case "offsets": return .found(.offsets(name))
            case "tasks": return .found(.tasks(name))
            case "topics": return .found(.usedTopics(name))
            case "pause": return .found(.pause(name))
            case "resume": return .found(.resume(name))
            case "stop": return .found(.stop(name))
            case "restart": return .found(.restart(name))
            default: return .notFound
            }
        case 2 where rest == ["topics", "reset"]: return .found(.usedTopicsReset(name))
        case 3 where rest[0] == "tasks" && (rest[2] == "status" || rest[2] == "restart"):
            guard let task = Int32(rest[1]) else { return .noSuchValue }
            return .found(rest[2] == "status" ? .taskStatus(name, task: Int(task)) : .taskRestart(name, task: Int(task)))
        default: return .notFound
        }
    }

    private static func plugin(_ name: String, _ rest: [String]) -> Match {
        if rest == ["config"] { return .found(.pluginConfig(name)) }
        if rest == ["config", "validate"] { return .found(.pluginValidate(name)) }
        return .notFound
    }

    private static func ours(_ rest: [String]) -> Match {
        switch (rest[0], rest.count) {
        case ("connectors", 1): return .found(.notes)
        case ("connectors", 2): return .found(.connectorNotes(Name(rest[1])))
        case ("topics", 1): return .found(.topics)
        case ("topics", 2): return .found(.topic(Name(rest[1])))
        case ("topics", 3) where rest[2] == "records": return .found(.records(Name(rest[1])))
        case ("groups", 3) where rest[2] == "offsets": return .found(.groupOffsets(Name(rest[1])))
        default: return .notFound
        }
    }
}
