public import ConnectRuntime
internal import Synchronization

/// A store of configurations to be opened again and again, each time with what ends it.
public struct ConfigStoreSubject: Sendable {
    public let open: @Sendable () throws -> (store: any ConfigStore, close: () -> Void)
    public init(open: @escaping @Sendable () throws -> (store: any ConfigStore, close: () -> Void)) { self.open = open }

    func use(_ body: (any ConfigStore) throws -> Void) throws {
        let (store, close) = try open()
        defer { close() }
        try body(store)
    }
}

/// What every store of configurations keeps to. Each case gets a store of its own, empty at first.
public enum ConfigStoreConformance {
    private static let config: ConfigMap = {
        var config = ConfigMap(["connector.class": "FileStreamSource", "é": "e\u{301}", "empty": ""])
        config["null"] = .some(nil)
        return config
    }()

    public static let cases: [ConformanceCase<ConfigStoreSubject>] = [
        ConformanceCase("a configuration comes back with its order, its nulls and its states, also after a restart") { subject in
            let expected = ConfigSnapshot(connectors: [
                "a": ConfigSnapshot.Entry(config: config, targetState: .started),
                "b/é": ConfigSnapshot.Entry(config: config, targetState: .stopped, tasks: ConfigSnapshot.TaskSet(configs: [config, ConfigMap()], generation: 1)),
            ])
            try subject.use { store in
                try expectEqual(try store.snapshot(), ConfigSnapshot(), "the empty store")
                try store.putConnector("a", config, targetState: nil)
                try store.putConnector("b/é", config, targetState: .stopped)
                try store.putTasks("b/é", [config, ConfigMap()])
                try expectEqual(try store.snapshot(), expected, "the content")
            }
            try subject.use { store in try expectEqual(try store.snapshot(), expected, "the content after a restart") }
        },
        ConformanceCase("a new configuration keeps the target state unless it names one") { subject in
            try subject.use { store in
                try store.putConnector("a", config, targetState: .paused)
                try store.putConnector("a", ConfigMap(["x": "y"]), targetState: nil)
                try expectEqual(try store.snapshot().connectors["a"]?.targetState, .paused, "the target state")
                try expectEqual(try store.snapshot().connectors["a"]?.config, ConfigMap(["x": "y"]), "the configuration")
                try store.putConnector("a", config, targetState: .started)
                try expectEqual(try store.snapshot().connectors["a"]?.targetState, .started, "the target state that was named")
                try store.putTargetState("a", .stopped)
                try expectEqual(try store.snapshot().connectors["a"]?.targetState, .stopped, "the target state that was put")
            }
        },
        ConformanceCase("task sets replace each other whole and count up, also through removal and restarts") { subject in
            try subject.use { store in
                try store.putConnector("a", config, targetState: nil)
                try store.putTasks("a", [config, config])
                try store.putTasks("a", [])
                try expectEqual(try store.snapshot().connectors["a"]?.tasks, ConfigSnapshot.TaskSet(configs: [], generation: 2), "an empty task set")
                try store.removeConnector("a")
                try expectEqual(try store.snapshot(), ConfigSnapshot(), "the store after the removal")
            }
            try subject.use { store in
                try expectEqual(try store.snapshot(), ConfigSnapshot(), "the store after the restart")
                try store.putConnector("a", config, targetState: nil)
                try expectEqual(try store.snapshot().connectors["a"], ConfigSnapshot.Entry(config: config, targetState: .started), "the connector made again")
                try store.putTasks("a", [config])
                try expectEqual(try store.snapshot().connectors["a"]?.tasks?.generation, 3, "the generation of the task set made again")
            }
        },
        ConformanceCase("what belongs to no connector is refused") { subject in
            try subject.use { store in
                try LogDriver.expectRefusal(.invalid, "tasks of an unknown connector") { try store.putTasks("a", []) }
                try LogDriver.expectRefusal(.invalid, "a state of an unknown connector") { try store.putTargetState("a", .paused) }
                try LogDriver.expectRefusal(.invalid, "removing an unknown connector") { try store.removeConnector("a") }
                try expectEqual(try store.snapshot(), ConfigSnapshot(), "the store")
            }
        },
        ConformanceCase("listeners hear of every change in its order, and see it, until they are cancelled") { subject in
            try subject.use { store in
                let heard = Mutex<[ConfigChange]>([]), count = ThreadCondition()
                let observation = store.observe { change in
                    heard.withLock { $0.append(change) }
                    count.broadcast()
                }
                let restart = RestartRequest(connector: "a", onlyFailed: true, includeTasks: true)
                try store.putConnector("a", config, targetState: nil)
                try store.putTasks("a", [])
                try store.putTargetState("a", .paused)
                try store.putRestart(restart)
                try store.removeConnector("a")
                let all: Bool? = count.wait(milliseconds: LogDriver.patience) { heard.withLock { $0.count >= 5 ? true : nil } }
                try expect(all == true, "listeners heard only of \(heard.withLock { $0 })")
                try expectEqual(heard.withLock { $0 }, [.connector("a"), .tasks("a"), .targetState("a"), .restart(restart), .removed("a")], "the changes heard")
                observation.cancel()
                try store.putConnector("b", config, targetState: nil)
                try expectEqual(heard.withLock { $0.count }, 5, "the changes heard after the end")
            }
        },
    ]
}
