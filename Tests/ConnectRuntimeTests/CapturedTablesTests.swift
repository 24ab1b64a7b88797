import ConnectRuntime
import Testing

/// What sources say that they capture, as sinks hear of it.
@Suite struct CapturedTablesTests {
    private func table(_ name: String) -> CapturedTable { CapturedTable(identity: name, name: name, source: [:], topic: Name("p." + name)) }

    @Test func sinksHearOfEachChangeOnce() {
        let captured = CapturedTables()
        #expect(captured.since(0) == nil)
        captured.set([table("a")], connector: "one", task: 0, epoch: 3)
        captured.set([table("b")], connector: "one", task: 1, epoch: 1)
        let first = captured.since(0)
        #expect(Set(first?.tables.map(\.name) ?? []) == ["a", "b"])
        #expect(captured.since(first?.generation ?? 0) == nil)
        // The same again is no news, and a run that was given up does not speak for the one after it.
        captured.set([table("a")], connector: "one", task: 0, epoch: 3)
        captured.set([table("c")], connector: "one", task: 0, epoch: 2)
        captured.remove(connector: "one", task: 0, epoch: 2)
        #expect(captured.since(first?.generation ?? 0) == nil)
        captured.set([table("c")], connector: "one", task: 0, epoch: 4)
        captured.remove(connector: "one", task: 1, epoch: 1)
        #expect(captured.since(first?.generation ?? 0)?.tables.map(\.name) == ["c"])
    }
}
