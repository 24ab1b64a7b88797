import Connectors
import Testing

/// The scheduler, with time as a number.
struct DeliverySchedulerTests {
    typealias Scheduler = DeliveryScheduler<Int>
    static let failure = DeliveryFailure(status: 503, "unwell")

    /// No chance: every wait is its bound or nothing.
    struct Fixed: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }

    private func item(_ payload: Int, key: Int? = nil, route: String = "", origin: String = "a", bytes: Int = 10, at time: Int64 = 0, alone: Bool = false) -> Queued<Int> {
        Queued(order: key, origin: origin, route: route, bytes: bytes, queuedAt: time, isAlone: alone, payload: payload)
    }

    private func starts(_ scheduler: inout Scheduler, now: Int64 = 0) -> [Scheduler.Start] {
        var all: [Scheduler.Start] = []
        while let start = scheduler.next(now: now) { all.append(start) }
        return all
    }

    private func payloads(_ start: Scheduler.Start) -> [Int] { start.items.map(\.payload) }

    @Test func onePerLaneAndInOrder() {
        var policy = DeliveryPolicy()
        policy.lanes = 2
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<4 { scheduler.add(item(payload, key: payload % 2)) }
        let first = starts(&scheduler)
        #expect(first.map(payloads).sorted { $0[0] < $1[0] } == [[0], [1]])
        #expect(scheduler.next(now: 0) == nil)
        #expect(scheduler.wakeAt(now: 0) == nil, "only an answer changes anything")
        let settled = scheduler.finish(first[0].lane, .delivered, now: 0, using: &random)
        #expect(settled.delivered.map(\.payload) == payloads(first[0]))
        #expect(scheduler.next(now: 0).map(payloads) == [payloads(first[0])[0] + 2])
    }

    /// Records without a key keep all lanes busy until there are fewer left than lanes.
    @Test(arguments: [(1, 1), (2, 1), (4, 1), (5, 1), (8, 1), (4, 3)]) func keylessRecordsUseAllLanes(lanes: Int, batch: Int) {
        var policy = DeliveryPolicy()
        policy.lanes = lanes
        policy.batchRecords = batch
        var scheduler = Scheduler(policy), random = Fixed()
        let records = lanes * batch * 10
        for payload in 0..<records { scheduler.add(item(payload)) }
        var out: [Scheduler.Start] = [], delivered: [Int] = []
        for _ in 0..<lanes * 10 {
            out += starts(&scheduler)
            #expect(out.count == min(lanes, (records - delivered.count) / batch))
            #expect(out.allSatisfy { $0.items.count == batch })
            let first = out.removeFirst()
            delivered += scheduler.finish(first.lane, .delivered, now: 0, using: &random).delivered.map(\.payload)
        }
        #expect(delivered.sorted() == Array(0..<records))
    }

    @Test func aFailingKeyHoldsUpItsLaneAlone() {
        var policy = DeliveryPolicy()
        policy.lanes = 2
        policy.backoff = JitterBackoff(minimum: 100, maximum: 1_000)
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<6 { scheduler.add(item(payload, key: payload % 2)) }
        var out = starts(&scheduler)
        let bad = out.first { payloads($0) == [0] }!
        _ = scheduler.finish(bad.lane, .failed(.server, after: nil, Self.failure), now: 0, using: &random)
        var others: [Int] = []
        out.removeAll { $0.lane == bad.lane }
        while let start = out.popLast() {
            others += payloads(start)
            _ = scheduler.finish(start.lane, .delivered, now: 1, using: &random)
            out += starts(&scheduler, now: 1)
        }
        #expect(others == [1, 3, 5])
        #expect(scheduler.wakeAt(now: 1) == 100)
        #expect(scheduler.next(now: 99) == nil)
        #expect(scheduler.next(now: 100).map(payloads) == [0], "the same record again")
        #expect(scheduler.mostFailing?.attempts == 1)
        _ = scheduler.finish(bad.lane, .failed(.server, after: 5_000, Self.failure), now: 100, using: &random)
        #expect(scheduler.wakeAt(now: 100) == 5_100, "Retry-After is the least")
    }

    @Test func throttlingHoldsTheWholeServer() {
        var policy = DeliveryPolicy()
        policy.lanes = 4
        policy.backoff = JitterBackoff(minimum: 0, maximum: 0)
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<8 { scheduler.add(item(payload, key: payload, origin: payload == 7 ? "b" : "a")) }
        // Payload 7 shares lane 3 with payload 3.
        let out = starts(&scheduler)
        _ = scheduler.finish(out[0].lane, .failed(.throttled, after: 700, Self.failure), now: 0, using: &random)
        for start in out.dropFirst() { _ = scheduler.finish(start.lane, .delivered, now: 1, using: &random) }
        #expect(starts(&scheduler, now: 2).map(payloads) == [[7]], "another server goes on")
        #expect(scheduler.wakeAt(now: 2) == 700)
        #expect(starts(&scheduler, now: 700).count == 2, "half as many at a time")
    }

    @Test func retriesAreCountedPerRequestAndResetBySuccess() {
        var policy = DeliveryPolicy()
        policy.lanes = 1
        policy.retries = 2
        policy.breakerFailures = 0
        policy.backoff = JitterBackoff(minimum: 0, maximum: 0)
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<2 { scheduler.add(item(payload, key: 0)) }
        for _ in 0..<2 {
            #expect(starts(&scheduler).count == 1)
            #expect(scheduler.finish(0, .failed(.server, after: nil, Self.failure), now: 0, using: &random).failed.isEmpty)
        }
        _ = starts(&scheduler)
        #expect(scheduler.finish(0, .delivered, now: 0, using: &random).delivered.map(\.payload) == [0])
        for attempt in 0..<3 {
            #expect(starts(&scheduler).first?.attempts == attempt)
            let settled = scheduler.finish(0, .failed(.server, after: nil, Self.failure), now: 0, using: &random)
            #expect(settled.failed.map(\.item.payload) == (attempt == 2 ? [1] : []))
            if attempt == 2 { #expect(settled.failed[0].failure.message.contains("after 3 attempts")) }
        }
        #expect(scheduler.count == 0)
        #expect(scheduler.bytes == 0)
    }

    @Test func ageEndsRetries() {
        var policy = DeliveryPolicy()
        policy.lanes = 1
        policy.retryAgeMilliseconds = 1_000
        policy.backoff = JitterBackoff(minimum: 0, maximum: 0)
        var scheduler = Scheduler(policy), random = Fixed()
        scheduler.add(item(0))
        var now: Int64 = 5_000, failed: [Int] = []
        while failed.isEmpty, now < 10_000 {
            if scheduler.next(now: now) != nil { failed = scheduler.finish(0, .failed(.request, after: nil, Self.failure), now: now, using: &random).failed.map(\.item.payload) }
            now += 100
        }
        #expect(failed == [0])
        #expect(now == 6_100)
    }

    @Test func batchesKeepToRecordsBytesRoutesKeysAndSolitude() {
        var policy = DeliveryPolicy()
        policy.lanes = 1
        policy.batchRecords = 4
        policy.batchBytes = 45
        var scheduler = Scheduler(policy), random = Fixed()
        let items = [
            item(0, key: 0), item(1, key: 1), item(2, key: 2), item(3, key: 3), item(4, key: 4), item(5, key: 4), item(6, key: 5, route: "x"), item(7, key: 6, route: "x", alone: true),
            item(8, key: 7, bytes: 40), item(9, key: 8), item(10, key: 9, bytes: 100), item(11, key: 10),
        ]
        for item in items { scheduler.add(item) }
        var batches: [[Int]] = []
        while let start = scheduler.next(now: 0) {
            batches.append(payloads(start))
            _ = scheduler.finish(start.lane, .delivered, now: 0, using: &random)
        }
        #expect(batches == [[0, 1, 2, 3], [4], [5], [6], [7], [8], [9], [10], [11]])
    }

    @Test func aBatchThatIsNotFullWaitsItsTime() {
        var policy = DeliveryPolicy()
        policy.lanes = 1
        policy.batchRecords = 3
        policy.lingerMilliseconds = 50
        var scheduler = Scheduler(policy), random = Fixed()
        scheduler.add(item(0, key: 0, at: 10))
        #expect(scheduler.next(now: 10) == nil)
        #expect(scheduler.wakeAt(now: 10) == 60)
        scheduler.add(item(1, key: 1, at: 20))
        #expect(scheduler.next(now: 59) == nil)
        #expect(scheduler.next(now: 60).map(payloads) == [0, 1])
        _ = scheduler.finish(0, .delivered, now: 60, using: &random)
        for payload in 2..<5 { scheduler.add(item(payload, key: payload, at: 61)) }
        #expect(scheduler.next(now: 61).map(payloads) == [2, 3, 4], "a full one goes at once")
    }

    @Test func aRefusedBatchIsCutUntilTheBadRecordStandsAlone() {
        for bad in 0..<7 {
            var policy = DeliveryPolicy()
            policy.lanes = 1
            policy.batchRecords = 7
            var scheduler = Scheduler(policy), random = Fixed()
            for payload in 0..<9 { scheduler.add(item(payload, key: payload)) }
            var delivered: [Int] = [], failed: [Int] = [], requests = 0
            while let start = scheduler.next(now: 0) {
                requests += 1
                let outcome: DeliveryOutcome = payloads(start).contains(bad) ? .refused(DeliveryFailure(status: 400, "bad")) : .delivered
                let settled = scheduler.finish(start.lane, outcome, now: 0, using: &random)
                delivered += settled.delivered.map(\.payload)
                failed += settled.failed.map(\.item.payload)
            }
            #expect(delivered == (0..<9).filter { $0 != bad }, "in their order")
            #expect(failed == [bad])
            #expect(requests <= 9)
        }
    }

    @Test func namedItemsAreRetriedAlone() {
        var policy = DeliveryPolicy()
        policy.lanes = 1
        policy.batchRecords = 5
        policy.backoff = JitterBackoff(minimum: 100, maximum: 100)
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<7 { scheduler.add(item(payload, key: payload)) }
        #expect(scheduler.next(now: 0).map(payloads) == [0, 1, 2, 3, 4])
        let settled = scheduler.finish(
            0, .items([.failed(Self.failure), .delivered, .refused(Self.failure), .failed(Self.failure), .delivered]), now: 0, using: &random)
        #expect(settled.delivered.map(\.payload) == [1, 4])
        #expect(settled.failed.map(\.item.payload) == [2])
        #expect(scheduler.next(now: 99) == nil)
        #expect(scheduler.next(now: 100).map(payloads) == [0, 3])
        #expect(scheduler.finish(0, .delivered, now: 100, using: &random).delivered.map(\.payload) == [0, 3])
        #expect(scheduler.next(now: 100).map(payloads) == [5, 6])
    }

    @Test func aNewTokenIsTriedOnce() {
        var policy = DeliveryPolicy()
        policy.lanes = 1
        var scheduler = Scheduler(policy), random = Fixed()
        scheduler.add(item(0, key: 0))
        scheduler.add(item(1, key: 0))
        let failure = DeliveryFailure(status: 401, "who are you")
        _ = starts(&scheduler)
        #expect(scheduler.finish(0, .newToken(failure), now: 0, using: &random).failed.isEmpty)
        #expect(scheduler.next(now: 0).map(payloads) == [0], "at once")
        #expect(scheduler.finish(0, .newToken(failure), now: 0, using: &random).failed.map(\.item.payload) == [0])
        _ = starts(&scheduler)
        #expect(scheduler.finish(0, .newToken(failure), now: 0, using: &random).failed.isEmpty, "the next record has its own try")
    }

    @Test func anOpenBreakerBurnsNoRetries() {
        var policy = DeliveryPolicy()
        policy.lanes = 4
        policy.retries = 3
        policy.breakerFailures = 4
        policy.breakerPause = 1_000
        policy.breakerLongestPause = 1_000
        policy.backoff = JitterBackoff(minimum: 1, maximum: 1)
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<40 { scheduler.add(item(payload, key: payload)) }
        var requests = 0, failed = 0
        for now in Int64(0)..<2_500 {
            for start in starts(&scheduler, now: now) {
                requests += 1
                failed += scheduler.finish(start.lane, .failed(.server, after: nil, Self.failure), now: now, using: &random).failed.count
            }
        }
        #expect(requests == 6, "four, then one probe after each pause")
        #expect(failed == 0)
    }

    @Test func removedPartitionsLeaveNothingBehind() {
        var policy = DeliveryPolicy()
        policy.lanes = 2
        var scheduler = Scheduler(policy), random = Fixed()
        for payload in 0..<10 { scheduler.add(item(payload, key: payload)) }
        for start in starts(&scheduler) { _ = scheduler.finish(start.lane, .abandoned, now: 0, using: &random) }
        scheduler.remove { $0 % 2 == 0 }
        #expect(scheduler.count == 5)
        #expect(scheduler.bytes == 50)
        #expect(scheduler.inFlight == 0)
        scheduler.remove { _ in true }
        #expect(scheduler.bytes == 0)
        #expect(scheduler.wakeAt(now: 0) == nil)
    }

    /// Whatever the answers: every record leaves once, and records of a key leave in their order.
    @Test(arguments: 0..<20)
    func anyAnswers(_ seed: Int) {
        var random = Seeded(seed: UInt64(seed))
        var policy = DeliveryPolicy()
        policy.lanes = Int.random(in: 1...5, using: &random)
        policy.batchRecords = Int.random(in: 1...6, using: &random)
        policy.backoff = JitterBackoff(minimum: 3, maximum: 20)
        policy.breakerPause = 10
        policy.breakerLongestPause = 20
        policy.breakerFailures = Int.random(in: 0...5, using: &random)
        policy.lingerMilliseconds = Int64.random(in: 0...5, using: &random)
        policy.retries = Bool.random(using: &random) ? 2 : -1
        var scheduler = Scheduler(policy), out: [Scheduler.Start] = [], left: [Int] = [], now: Int64 = 0, next = 0
        let total = 300
        while left.count < total {
            now += 1
            for _ in 0..<Int.random(in: 0...4, using: &random) where next < total {
                scheduler.add(item(next, key: next % 7, origin: next % 3 == 0 ? "a" : "b", at: now, alone: next % 11 == 0))
                next += 1
            }
            out += starts(&scheduler, now: now)
            for start in out {
                #expect(Set(start.items.map(\.order)).count == start.items.count, "no key twice in one request")
                #expect(Set(start.items.map(\.origin)).count == 1)
            }
            #expect(Set(out.flatMap { $0.items.map(\.order) }).count == out.flatMap(\.items).count, "no key twice under way")
            if out.isEmpty {
                #expect(scheduler.count == 0 || scheduler.wakeAt(now: now) != nil, "somebody must wake it")
                continue
            }
            let start = out.remove(at: Int.random(in: 0..<out.count, using: &random))
            let outcomes: [DeliveryOutcome] = [
                .delivered, .delivered, .delivered, .failed(.server, after: nil, Self.failure), .failed(.throttled, after: 5, Self.failure),
                .failed(.request, after: nil, Self.failure), .refused(Self.failure), .abandoned,
                .items(start.items.map { _ in [.delivered, .failed(Self.failure), .refused(Self.failure)].randomElement(using: &random)! }),
            ]
            let settled = scheduler.finish(start.lane, outcomes.randomElement(using: &random)!, now: now, using: &random)
            left += settled.delivered.map(\.payload) + settled.failed.map(\.item.payload)
            if now > 200_000 { break }
        }
        #expect(left.sorted() == Array(0..<total))
        for key in 0..<7 {
            let order = left.filter { $0 % 7 == key }
            #expect(order == order.sorted())
        }
        #expect(scheduler.count == 0)
        #expect(scheduler.bytes == 0)
        #expect(scheduler.inFlight == 0)
    }

    struct Seeded: RandomNumberGenerator {
        private var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }
}
