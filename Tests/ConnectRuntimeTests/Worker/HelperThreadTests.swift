import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// The second thread of a task: whoever does a portion, each is done once, and nothing that goes wrong with the helper loses one.
@Suite struct HelperThreadTests {
    private typealias Helper = HelperThread<Int, Int>

    /// What the helper did, and a gate that it waits at.
    private final class Watch: Sendable {
        private let state = Mutex((done: [Int](), isOpen: false, waiting: 0, isClosed: false))
        private let condition = ThreadCondition()
        var done: [Int] { state.withLock { $0.done } }
        var waiting: Int { state.withLock { $0.waiting } }
        var isClosed: Bool { state.withLock { $0.isClosed } }
        func close() { state.withLock { $0.isClosed = true } }
        func open() {
            state.withLock { $0.isOpen = true }
            condition.broadcast()
        }
        func note(_ portion: Int) { state.withLock { $0.done.append(portion) } }
        func wait() {
            state.withLock { $0.waiting += 1 }
            let _: Bool? = condition.wait(milliseconds: 60_000) { state.withLock { $0.isOpen } ? true : nil }
        }
    }

    @Test func everyPortionIsDoneOnceByEither() async throws {
        try await onThread {
            let watch = Watch()
            let helper = Helper(name: "test") {
                Helper.Work {
                    watch.note($0)
                    return $0 * 10
                }
            }
            defer { helper.stop() }
            for round in 0..<200 {
                let portions = (0..<(round % 7)).map { round * 100 + $0 }
                helper.offer(portions)
                for index in portions.indices { #expect(helper.collect(index) ?? portions[index] * 10 == portions[index] * 10) }
                // What was collected is the caller's from then on.
                for index in portions.indices { #expect(helper.collect(index) == nil) }
                #expect(helper.collect(portions.count) == nil)
            }
            #expect(Set(watch.done).count == watch.done.count)
        }
    }

    @Test func theHelperBeginsAtTheEndWhileTheCallerIsElsewhere() async throws {
        try await onThread {
            let watch = Watch()
            let helper = Helper(name: "test") {
                Helper.Work {
                    watch.note($0)
                    return $0 + 1
                }
            }
            defer { helper.stop() }
            helper.offer([1, 2, 3])
            #expect(eventually { watch.done == [3, 2, 1] })
            #expect((0..<3).map { helper.collect($0) } == [2, 3, 4])
        }
    }

    @Test func aHelperThatCannotBeMadeLeavesEverythingToTheCaller() async throws {
        try await onThread {
            let helper = Helper(name: "test") { throw ConnectError(.fatal, code: "test", "no") }
            helper.offer([1, 2])
            #expect((0..<2).map { helper.collect($0) } == [nil, nil])
            helper.offer([3])
            #expect(helper.collect(0) == nil)
        }
    }

    @Test func oneThatTakesTooLongIsNotAskedAgain() async throws {
        try await onThread {
            let watch = Watch()
            let helper = Helper(name: "test", patienceMilliseconds: 20) {
                Helper.Work(
                    perform: {
                        watch.wait()
                        return $0
                    }, close: { watch.close() })
            }
            helper.offer([1])
            #expect(eventually { watch.waiting == 1 })
            #expect(helper.collect(0) == nil)
            helper.offer([2])
            #expect(helper.collect(0) == nil)
            watch.open()
            #expect(eventually { watch.isClosed })
            #expect(watch.waiting == 1)
        }
    }

    @Test func whatAnEarlierListLeftIsForgotten() async throws {
        try await onThread {
            let watch = Watch()
            let helper = Helper(name: "test") {
                Helper.Work { portion in
                    if portion == 1 { watch.wait() }
                    return portion
                }
            }
            defer { helper.stop() }
            helper.offer([0, 1])
            #expect(eventually { watch.waiting == 1 })
            helper.offer([7, 8])
            watch.open()
            #expect(helper.collect(0) ?? 7 == 7)
            #expect(helper.collect(1) ?? 8 == 8)
        }
    }

    @Test func stoppedItClosesWhatItMade() async throws {
        try await onThread {
            let watch = Watch()
            let helper = Helper(name: "test") { Helper.Work(perform: { $0 }, close: { watch.close() }) }
            helper.offer([1])
            helper.stop()
            #expect(helper.collect(0) == nil)
            #expect(eventually { watch.isClosed })
        }
    }
}
