public import ConnectRuntime

/// Makes an empty store of states.
public struct StatusStoreSubject: Sendable {
    public let make: @Sendable () throws -> any StatusStore
    public init(make: @escaping @Sendable () throws -> any StatusStore) { self.make = make }
}

/// What every store of states keeps to.
public enum StatusStoreConformance {
    private static let task = StatusSubject.task(connector: "a", task: 0)

    public static let cases: [ConformanceCase<StatusStoreSubject>] = [
        ConformanceCase("the last state counts") { subject in
            let store = try subject.make(), failed = Status(.failed, trace: "why", workerID: "w", generation: 1, version: "2")
            try expectEqual(store.status(of: task), nil, "an unknown state")
            store.put(Status(.running, workerID: "w"), for: task)
            store.put(failed, for: task)
            store.put(Status(.paused, workerID: "w"), for: .connector("a"))
            try expectEqual(store.status(of: task), failed, "the state of the task")
            try expectEqual(store.status(of: .connector("a"))?.state, .paused, "the state of the connector")
        },
        ConformanceCase("a careful write yields to a newer owner only") { subject in
            let store = try subject.make()
            try expect(store.putSafely(Status(.running, workerID: "old", generation: 5), for: task), "the first write is taken")
            try expect(!store.putSafely(Status(.unassigned, workerID: "other", generation: 4), for: task), "an older generation's write was taken")
            try expectEqual(store.status(of: task)?.state, .running, "the state")
            try expect(store.putSafely(Status(.paused, workerID: "other", generation: 5), for: task), "the same generation's write is taken")
            try expect(store.putSafely(Status(.failed, workerID: "other", generation: 1), for: task), "the same worker's write is taken")
            try expectEqual(store.status(of: task)?.state, .failed, "the state")
        },
        ConformanceCase("tasks are listed by number and removed one by one or with their connector") { subject in
            let store = try subject.make()
            for number in [10, 2, 0] { store.put(Status(.running, workerID: "w"), for: .task(connector: "a", task: number)) }
            store.put(Status(.running, workerID: "w"), for: .task(connector: "ab", task: 1))
            store.put(Status(.running, workerID: "w"), for: .connector("a"))
            try expectEqual(store.tasks(of: "a").map(\.task), [0, 2, 10], "the tasks")
            store.removeTask(connector: "a", task: 2)
            try expectEqual(store.tasks(of: "a").map(\.task), [0, 10], "the tasks after a removal")
            store.remove(connector: "a")
            try expectEqual(store.tasks(of: "a").count, 0, "the tasks of a removed connector")
            try expectEqual(store.status(of: .connector("a")), nil, "the state of a removed connector")
            try expectEqual(store.tasks(of: "ab").map(\.task), [1], "the tasks of another connector")
        },
        ConformanceCase("topics are noted once, by connector, until they are forgotten") { subject in
            let store = try subject.make()
            try expectEqual(store.topics(of: "a"), [], "the topics of an unknown connector")
            for topic in ["t2", "t1", "t2", "T"] as [Name] { store.noteTopic(topic, of: "a") }
            store.noteTopic("t3", of: "ab")
            try expectEqual(store.topics(of: "a"), ["T", "t1", "t2"], "the topics")
            store.forgetTopics(of: "a")
            try expectEqual(store.topics(of: "a"), [], "the topics once forgotten")
            store.noteTopic("t1", of: "a")
            try expectEqual(store.topics(of: "a"), ["t1"], "the topics used since")
            store.remove(connector: "a")
            try expectEqual(store.topics(of: "a"), [], "the topics of a removed connector")
            try expectEqual(store.topics(of: "ab"), ["t3"], "the topics of another connector")
        },
    ]
}
