import ConnectRuntime
import Connectors
import Testing

/// The decisions of the tail, without a server.
@Suite struct TailValueTests {
    @Test(arguments: [
        ("10:20:12,15", [9, 10, 11, 13, 19], [12, 15, 20, 21]), ("5:5:", [1, 4], [5, 6]), ("3:9:3", [1, 2, 4, 8], [3, 9]),
    ] as [(String, [UInt64], [UInt64])])
    func aSnapshotKnowsWhoHasFinished(text: String, finished: [UInt64], others: [UInt64]) throws {
        let snapshot = try #require(XidSnapshot(text))
        #expect(snapshot.text == text)
        #expect(finished.allSatisfy { snapshot.hasFinished($0) })
        #expect(!others.contains { snapshot.hasFinished($0) })
    }

    @Test(arguments: ["", "1", "1:2", "a:2:", "5:4:", "1:9:9", "1:9:3,3", "1:9:5,4", "-1:2:", "1:2:3:4", "99999999999999999999:1:"])
    func whatIsNoSnapshotIsNone(text: String) { #expect(XidSnapshot(text) == nil) }

    @Test func anOffsetReadsBackAsItWas() throws {
        let history = ServerHistory(system: "7711", timeline: 3)
        let snapshot = try #require(XidSnapshot("795:799:795,797")), later = try #require(XidSnapshot("799:810:"))
        for position in [
            TailPosition(from: snapshot, flushed: LogPosition(0x2BFE178), history: history),
            TailPosition(
                from: snapshot, to: later, sent: 42, flushed: LogPosition(1 << 40), history: history, last: .init(id: 42, xid: 805), backfill: ["a\"b", ""]),
        ] { #expect(try TailPosition(position.offset) == position) }
        let text = String(decoding: TailPosition(from: snapshot, flushed: LogPosition(0x2BFE178), history: history).offset.json, as: UTF8.self)
        #expect(text == #"{"v":1,"s1":"795:799:795,797","lsn":"0/2BFE178","tl":3,"sys":"7711"}"#)
    }

    @Test(arguments: [#"{"v":2}"#, #"{"v":1,"s1":"x"}"#, #"{"v":1,"s1":"1:2:"}"#, #"{"v":1,"s1":"1:2:","tl":1,"sys":"x","s2":"1:3:"}"#, "[]"])
    func whatIsNoOffsetIsRefused(json: String) {
        #expect(throws: ConnectError.self) { try TailPosition(SourceOffset(storedJSON: Array(json.utf8))) }
    }

    @Test func tablesThatStandApartCatchUpAndGoOnTogether() {
        let one = XidSnapshot(xmin: 10, xmax: 10), two = XidSnapshot(xmin: 20, xmax: 20), three = XidSnapshot(xmin: 30, xmax: 30)
        var plan = TailPlan()
        #expect(plan.next == .nothing)
        plan.add(1, from: one)
        plan.add(2, from: one, to: two, sent: 7)
        plan.add(3, from: one, to: two, sent: 9)
        plan.add(4, from: two)
        #expect(plan.groups.count == 3)
        #expect(plan.next == .send(group: 1))
        #expect(plan.groups[1].sentByAll == 7)
        plan.advance(group: 1, to: 8)
        #expect(plan.groups[1].sent == [2: 8, 3: 9])
        plan.finish(group: 1)
        // The two groups that stand at `two` are one.
        #expect(plan.groups.map(\.tables) == [[1], [2, 3, 4]])
        #expect(plan.next == .align)
        plan.align(at: three)
        #expect(plan.next == .send(group: 0))
        plan.finish(group: 0)
        plan.finish(group: plan.groups.firstIndex { $0.to != nil } ?? 0)
        #expect(plan.groups.map(\.tables) == [[1, 2, 3, 4]])
        #expect(plan.next == .look)
        plan.begin(to: three, sent: 99)
        #expect(plan.next == .send(group: 0))
        #expect(plan.groups[0].sentByAll == 99)
        plan.remove(1)
        plan.finish(group: 0)
        #expect(plan.groups == [TailPlan.Group(tables: [2, 3, 4], from: three)])
    }

    @Test func aFenceForcesOnceAndGivesUpInTheEnd() {
        var fence = FlushFence(pending: LogPosition(100), force: .tailRow)
        #expect(fence.next(flushed: LogPosition(100), waitedMicroseconds: 0) == .passed)
        #expect(fence.next(flushed: LogPosition(99), waitedMicroseconds: 0) == .look(afterMicroseconds: FlushFence.firstLookMicroseconds))
        #expect(fence.next(flushed: LogPosition(99), waitedMicroseconds: 300) == .force)
        #expect(fence.next(flushed: LogPosition(99), waitedMicroseconds: 600) == .look(afterMicroseconds: 2 * FlushFence.firstLookMicroseconds))
        #expect(fence.next(flushed: LogPosition(99), waitedMicroseconds: 20_000_000) == .giveUp)
        var patient = FlushFence(pending: LogPosition(1), force: .wait)
        for _ in 0..<50 { #expect(patient.next(flushed: LogPosition(0), waitedMicroseconds: 0) != .force) }
    }

    @Test func sleepingIsAHandshake() {
        var pace = Pace(wake: .notifyIdle, longestMilliseconds: 250)
        #expect(pace.next() == .look)
        pace.found(0)
        #expect(pace.next() == .rest(milliseconds: 1))
        pace.rested()
        #expect(pace.next() == .look)
        pace.found(0)
        #expect(pace.next() == .tryToSleep)
        pace.lock(granted: false)
        // A writer that will not notify is at work: keep looking.
        #expect(pace.next() == .rest(milliseconds: 1))
        pace.rested()
        #expect(pace.next() == .peek)
        pace.found(0)
        #expect(pace.next() == .tryToSleep)
        pace.lock(granted: true)
        #expect(pace.next() == .peek)
        pace.found(0)
        #expect(pace.next() == .sleep(milliseconds: 250))
        pace.rested()
        #expect(pace.next() == .peek)
        pace.found(0)
        #expect(pace.next() == .sleep(milliseconds: 250))
        pace.woken()
        #expect(pace.next() == .look)
        pace.found(3)
        #expect(pace.next() == .giveLockBack)
        pace.gaveLockBack()
        #expect(pace.next() == .look)
        // Whoever is woken by writers looks less and less often, up to a bound.
        pace.found(0)
        #expect(pace.next() == .rest(milliseconds: 1))
        pace.rested()
        #expect(pace.next() == .look)
        pace.found(0)
        #expect(pace.next() == .tryToSleep)
        pace.lock(granted: true)
        var asleep = 1, sleeps: [Int] = []
        for _ in 0..<100 {
            #expect(pace.next() == .peek)
            pace.found(0)
            // In parts, so that a poll ends in time.
            let whole = min(Pace.longestSleepMilliseconds, max(250, asleep / 8)), parts = whole > 1000 ? [1000, whole - 1000] : [whole]
            for part in parts {
                #expect(pace.next() == .sleep(milliseconds: part))
                pace.rested()
            }
            asleep += whole
            sleeps.append(whole)
        }
        #expect(sleeps.last == Pace.longestSleepMilliseconds)
        // A change that nobody notified of: notifications are not relied on until one comes.
        #expect(pace.next() == .peek)
        pace.found(1)
        #expect(Self.sleeps(&pace, 100) == 250)
        pace.woken()
        #expect(Self.sleeps(&pace, 100) == Pace.longestSleepMilliseconds)
        // Without notifications each rest is an eighth of the time without rows, within its bounds: whoever comes waits that much longer at most.
        var plain = Pace(wake: .poll, longestMilliseconds: 100), quiet = 0
        for _ in 0..<60 {
            let step = plain.next()
            #expect(step == .look || step == .peek)
            plain.found(0)
            let wanted = min(100, max(1, quiet / 8))
            #expect(plain.next() == .rest(milliseconds: wanted))
            plain.rested()
            quiet += wanted
        }
        #expect(quiet > 1000)
        plain.found(1)
        #expect(plain.next() == .look)
    }

    /// Finds nothing until it has slept so often; the last sleep's length.
    private static func sleeps(_ pace: inout Pace, _ count: Int) -> Int {
        var last = 0, slept = 0, length = 0
        while slept < count {
            switch pace.next() {
            case .look, .peek: pace.found(0)
            case .rest: pace.rested()
            case .tryToSleep: pace.lock(granted: true)
            case .giveLockBack: pace.gaveLockBack()
            case .sleep(let milliseconds):
                last += milliseconds
                pace.rested()
                continue
            }
            if last > 0 { (slept, length, last) = (slept + 1, last, 0) }
        }
        return length
    }
}
