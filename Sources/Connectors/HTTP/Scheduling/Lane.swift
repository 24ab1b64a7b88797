/// One of the queues that requests go through one at a time: what shares a key shares a lane, so its order is kept.
struct Lane<Payload> {
    enum State: Sendable, Hashable {
        case ready
        /// A request with the first so many items is out.
        case busy(count: Int)
        /// Not before this time.
        case waiting(until: Int64)
    }

    var state = State.ready
    /// While it is busy: the items that are out, as they were handed over.
    var sent: [Queued<Payload>] = []
    private var storage: [Queued<Payload>] = []
    private var head = 0
    /// Sizes of the next requests, where a refused batch was cut in two or a failed one is to be sent again as it was.
    var pieces: [Int] = []
    /// Failures in a row of what stands in front; and since when.
    var attempts = 0
    var failingSince: Int64?
    /// The request in front was sent again with a new token already.
    var hasNewToken = false

    var count: Int { storage.count - head }
    /// Items that are kept: those that wait or are out, and gone ones before them that were not cut off yet.
    var remembered: Int { storage.count }
    var isEmpty: Bool { count == 0 }
    var first: Queued<Payload>? { isEmpty ? nil : storage[head] }
    subscript(index: Int) -> Queued<Payload> { storage[head + index] }

    mutating func append(_ item: Queued<Payload>) { storage.append(item) }

    func front(_ count: Int) -> [Queued<Payload>] { Array(storage[head..<min(storage.count, head + count)]) }

    /// Takes out the first `count` items except those whose index is kept.
    mutating func removeFront(_ count: Int, keeping kept: [Int] = []) {
        let end = min(storage.count, head + count)
        var target = end
        for index in kept.reversed() where index < count {
            target -= 1
            storage.swapAt(head + index, target)
        }
        head = target
        if head == storage.count {
            storage.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 512, head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
    }

    mutating func removeAll(where isGone: (Payload) -> Bool) -> [Queued<Payload>] {
        let gone = storage[head...].filter { isGone($0.payload) }
        storage = storage[head...].filter { !isGone($0.payload) }
        head = 0
        return Array(gone)
    }

    /// What stood in front is through: the next one begins with a clean slate.
    mutating func settle() {
        attempts = 0
        failingSince = nil
        hasNewToken = false
    }
}

/// One record on its way out, with what decides where it may travel. An object, so that handing it from queue to queue costs nothing.
package final class Queued<Payload> {
    /// Records with the same hash keep their order; `nil` has no order to keep.
    package let order: Int?
    /// Which server it goes to.
    package let origin: String
    /// Only records with equal routes share a request: method, URL, headers.
    package let route: String
    package let bytes: Int
    package let queuedAt: Int64
    /// May never share a request (a DELETE).
    package let isAlone: Bool
    package let payload: Payload

    package init(order: Int?, origin: String, route: String, bytes: Int, queuedAt: Int64, isAlone: Bool = false, payload: Payload) {
        self.order = order
        self.origin = origin
        self.route = route
        self.bytes = bytes
        self.queuedAt = queuedAt
        self.isAlone = isAlone
        self.payload = payload
    }
}
