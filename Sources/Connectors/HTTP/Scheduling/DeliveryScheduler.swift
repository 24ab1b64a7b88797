/// Decides which records go out when: lanes that keep each key's order, batches, retries, the server's wishes. Pure: time and chance come in, nothing waits.
package struct DeliveryScheduler<Payload> {
    package struct Start {
        package let lane: Int
        package let items: [Queued<Payload>]
        /// How often these have failed before.
        package let attempts: Int
        /// It goes out a second time because its token was refused: when that one is refused too, there is none to be had.
        package let hasNewToken: Bool
    }

    /// Items that left the scheduler.
    package struct Settled {
        package var delivered: [Queued<Payload>] = []
        package var failed: [(item: Queued<Payload>, failure: DeliveryFailure)] = []
    }

    private let policy: DeliveryPolicy
    private var lanes: [Lane<Payload>]
    private var hosts: HostGates
    private var rate: RateLimit
    /// Where the search for work begins, so that no lane starves; and the lane that keyless records fill.
    private var turn = 0
    private var keylessLane = 0
    package private(set) var count = 0
    package private(set) var bytes = 0
    package private(set) var inFlight = 0
    /// Items that are kept, gone ones among them that were not cut off yet.
    package var remembered: Int { lanes.reduce(0) { $0 + $1.remembered } }

    package init(_ policy: DeliveryPolicy) {
        self.policy = policy
        lanes = Array(repeating: Lane(), count: max(1, policy.lanes))
        rate = RateLimit(perSecond: policy.requestsPerSecond)
        hosts = HostGates {
            HostGate(
                widest: max(1, policy.lanes),
                breaker: CircuitBreaker(threshold: policy.breakerFailures, pauseMilliseconds: policy.breakerPause, longestPauseMilliseconds: policy.breakerLongestPause))
        }
    }

    package mutating func add(_ item: Queued<Payload>) {
        let lane: Int
        if let order = item.order {
            lane = Int(UInt(bitPattern: order) % UInt(lanes.count))
        } else {
            // A batch's worth each, or batches would never fill.
            if lanes[keylessLane].count >= policy.batchRecords { keylessLane = (keylessLane + 1) % lanes.count }
            lane = keylessLane
        }
        lanes[lane].append(item)
        count += 1
        bytes += item.bytes
    }

    // MARK: Starting

    /// The next request that may go out now, marked as out; `nil` when none may.
    package mutating func next(now: Int64) -> Start? {
        guard rate.verdict(now: now) == .go else { return nil }
        for step in 0..<lanes.count {
            let index = (turn + step) % lanes.count
            guard isReady(index, now: now), let first = lanes[index].first, hosts[first.origin].verdict(now: now) == .go else { continue }
            let size = batchSize(index)
            if isShort(index, size), now < first.queuedAt + policy.lingerMilliseconds { continue }
            turn = (index + 1) % lanes.count
            lanes[index].state = .busy(count: size)
            hosts[first.origin].started(now: now)
            rate.started()
            inFlight += 1
            let items = lanes[index].front(size)
            lanes[index].sent = items
            return Start(lane: index, items: items, attempts: lanes[index].attempts, hasNewToken: lanes[index].hasNewToken)
        }
        return nil
    }

    /// When something may start that may not now; `nil` when only the end of a request, or a new record, can change that.
    package mutating func wakeAt(now: Int64) -> Int64? {
        var earliest: Int64?
        for index in lanes.indices {
            guard let first = lanes[index].first else { continue }
            var time = now
            switch lanes[index].state {
            case .busy: continue
            case .waiting(let until): time = max(time, until)
            case .ready: break
            }
            if policy.lingerMilliseconds > 0, isShort(index, batchSize(index)) { time = max(time, first.queuedAt + policy.lingerMilliseconds) }
            if case .wait(let until) = hosts[first.origin].verdict(now: now) {
                guard let until else { continue }
                time = max(time, until)
            }
            earliest = min(earliest ?? time, time)
        }
        guard let earliest else { return nil }
        if case .wait(let until) = rate.verdict(now: now) { return max(earliest, until ?? earliest) }
        return earliest
    }

    private func isReady(_ lane: Int, now: Int64) -> Bool {
        switch lanes[lane].state {
        case .ready: true
        case .busy: false
        case .waiting(let until): now >= until
        }
    }

    /// How many of the lane's first items go together.
    private func batchSize(_ index: Int) -> Int {
        guard let first = lanes[index].first else { return 0 }
        let most = min(lanes[index].count, lanes[index].pieces.first ?? policy.batchRecords)
        if most <= 1 || first.isAlone { return 1 }
        var size = 1, bytes = first.bytes
        var keys: Set<Int> = []
        if let order = first.order { keys.insert(order) }
        while size < most {
            let item = lanes[index][size]
            guard item.route == first.route, item.origin == first.origin, !item.isAlone, bytes + item.bytes <= policy.batchBytes else { break }
            if let order = item.order, !policy.repeatsKeys, !keys.insert(order).inserted { break }
            bytes += item.bytes
            size += 1
        }
        return size
    }

    /// Whether more records could still join this batch.
    private func isShort(_ lane: Int, _ size: Int) -> Bool {
        policy.lingerMilliseconds > 0 && lanes[lane].pieces.isEmpty && size < policy.batchRecords && size == lanes[lane].count
            && lanes[lane].first?.isAlone == false
    }

    // MARK: Ending

    /// Takes in what a lane's request came to.
    package mutating func finish(_ lane: Int, _ outcome: DeliveryOutcome, now: Int64, using random: inout some RandomNumberGenerator) -> Settled {
        guard case .busy(let size) = lanes[lane].state, let origin = lanes[lane].first?.origin else { return Settled() }
        inFlight -= 1
        lanes[lane].state = .ready
        var settled = Settled()
        switch outcome {
        case .delivered:
            hosts[origin].answered(now: now)
            settled.delivered = take(lane, size)
        case .items(let outcomes):
            hosts[origin].answered(now: now)
            finish(lane, size, outcomes, now, &random, &settled)
        case .refused(let failure):
            hosts[origin].answered(now: now)
            if size > 1, policy.bisects {
                // The halves follow each other, so order stays; a half's own fate does not count as an attempt of the whole.
                lanes[lane].pieces.replaceSubrange(0..<min(1, lanes[lane].pieces.count), with: [size / 2, size - size / 2])
                lanes[lane].settle()
            } else {
                settled.failed = take(lane, size).map { ($0, failure) }
            }
        case .failed(let kind, let after, let failure):
            fail(lane, size, kind, after, failure, origin, now, &random, &settled)
        case .newToken(let failure):
            hosts[origin].answered(now: now)
            if lanes[lane].hasNewToken {
                settled.failed = take(lane, size).map { ($0, failure) }
            } else {
                lanes[lane].hasNewToken = true
                hold(lane, size)
            }
        case .abandoned:
            hosts[origin].abandoned(now: now)
            hold(lane, size)
        }
        hosts.forgetPlain(now: now)
        lanes[lane].sent = []
        return settled
    }

    private mutating func fail(
        _ lane: Int, _ size: Int, _ kind: DeliveryOutcome.FailureKind, _ after: Int64?, _ failure: DeliveryFailure, _ origin: String,
        _ now: Int64, _ random: inout some RandomNumberGenerator, _ settled: inout Settled
    ) {
        let since = lanes[lane].failingSince ?? now
        lanes[lane].failingSince = since
        lanes[lane].attempts += 1
        // Another failure came between: a token that is refused after it may well have run out meanwhile.
        lanes[lane].hasNewToken = false
        let delay = max(after ?? 0, policy.backoff.delay(attempt: lanes[lane].attempts, using: &random))
        switch kind {
        case .server: hosts[origin].failed(now: now)
        case .throttled: hosts[origin].throttled(until: now + delay)
        case .request: hosts[origin].answered(now: now)
        }
        if isSpent(lane, now) {
            let words = DeliveryFailure(status: failure.status, "\(failure.message); gave up after \(lanes[lane].attempts) attempts", answer: failure.answer)
            settled.failed += take(lane, size).map { ($0, words) }
            return
        }
        hold(lane, size)
        lanes[lane].state = .waiting(until: now + delay)
    }

    /// An answer that names single items: the delivered and the refused leave, the rest stays in front in its order.
    private mutating func finish(
        _ lane: Int, _ size: Int, _ outcomes: [ItemOutcome], _ now: Int64, _ random: inout some RandomNumberGenerator, _ settled: inout Settled
    ) {
        var kept: [(index: Int, failure: DeliveryFailure)] = []
        var gone: [Queued<Payload>] = []
        for (index, item) in lanes[lane].front(size).enumerated() {
            switch index < outcomes.count ? outcomes[index] : .delivered {
            case .delivered:
                settled.delivered.append(item)
                gone.append(item)
            case .refused(let failure):
                settled.failed.append((item, failure))
                gone.append(item)
            case .failed(let failure): kept.append((index, failure))
            }
        }
        lanes[lane].removeFront(size, keeping: kept.map(\.index))
        forget(gone)
        consumePiece(lane)
        // Attempts count for what stays; when something got through, it is another request from now on.
        if !gone.isEmpty { lanes[lane].settle() }
        if kept.isEmpty { return }
        lanes[lane].attempts += 1
        lanes[lane].failingSince = lanes[lane].failingSince ?? now
        if isSpent(lane, now) {
            for (position, item) in take(lane, kept.count).enumerated() { settled.failed.append((item, kept[position].failure)) }
            return
        }
        lanes[lane].pieces.insert(kept.count, at: 0)
        lanes[lane].state = .waiting(until: now + policy.backoff.delay(attempt: lanes[lane].attempts, using: &random))
    }

    private func isSpent(_ lane: Int, _ now: Int64) -> Bool {
        if policy.retries >= 0, lanes[lane].attempts > policy.retries { return true }
        guard policy.retryAgeMilliseconds > 0, let since = lanes[lane].failingSince else { return false }
        return now - since >= policy.retryAgeMilliseconds
    }

    /// The same items go out together again.
    private mutating func hold(_ lane: Int, _ size: Int) {
        if lanes[lane].pieces.isEmpty { lanes[lane].pieces = [size] }
    }

    private mutating func consumePiece(_ lane: Int) {
        if !lanes[lane].pieces.isEmpty { lanes[lane].pieces.removeFirst() }
    }

    private mutating func take(_ lane: Int, _ size: Int) -> [Queued<Payload>] {
        let items = lanes[lane].sent.count == size ? lanes[lane].sent : lanes[lane].front(size)
        lanes[lane].removeFront(size)
        if let piece = lanes[lane].pieces.first, piece > size {
            // The piece went out in parts (a record that may not share a request): the rest of it still counts.
            lanes[lane].pieces[0] = piece - size
        } else {
            consumePiece(lane)
        }
        lanes[lane].settle()
        forget(items)
        return items
    }

    private mutating func forget(_ items: [Queued<Payload>]) {
        count -= items.count
        for item in items { bytes -= item.bytes }
    }

    // MARK: Giving up

    /// Takes out what is not under way and no longer wanted (its partition went away). Lanes must not be busy with it: break those off first.
    package mutating func remove(where isGone: (Payload) -> Bool) {
        for index in lanes.indices {
            if case .busy = lanes[index].state { continue }
            let gone = lanes[index].removeAll(where: isGone)
            if gone.isEmpty { continue }
            lanes[index].pieces = []
            lanes[index].settle()
            forget(gone)
        }
    }

    /// The longest row of failures, for the task's status; `nil` when nothing fails.
    package var mostFailing: (attempts: Int, since: Int64)? {
        var worst: (attempts: Int, since: Int64)?
        for lane in lanes {
            if let since = lane.failingSince, lane.attempts > 0, since < worst?.since ?? Int64.max { worst = (lane.attempts, since) }
        }
        return worst
    }
}
