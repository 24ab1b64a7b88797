package import ConnectRuntime

/// Which offsets may be committed while records end in any order: below the first one of a partition that is still under way (P1).
package struct OffsetPrefix {
    /// One partition's records under way, in offset order; done ones stay until everything before them is done.
    fileprivate struct Line {
        var offsets: [Int64] = []
        var isDone: [Bool] = []
        /// What each record keeps in memory while the first one is under way.
        var sizes: [Int] = []
        var head = 0
        /// The number of the record at `head` since the line began.
        var first = 0
        /// Counts up when the partition is given up: tickets of before mean nothing.
        var generation = 0
    }

    private var lines: [TopicPartition: Line] = [:]
    private var generations = 0
    /// Records that were begun and are not below the first one under way, and their bytes.
    package private(set) var span = 0
    package private(set) var spanBytes = 0

    /// Names a record under way.
    package struct Ticket: Sendable, Hashable {
        let partition: TopicPartition
        let number: Int
        let generation: Int
    }

    package init() {}

    package mutating func begin(_ partition: TopicPartition, offset: Int64, bytes: Int = 0) -> Ticket {
        let index: Dictionary<TopicPartition, Line>.Index
        if let known = lines.index(forKey: partition) {
            index = known
        } else {
            generations += 1
            lines[partition] = Line(generation: generations)
            guard let made = lines.index(forKey: partition) else { return Ticket(partition: partition, number: 0, generation: -1) }
            index = made
        }
        // In place: a copy of the line would make every append copy its arrays.
        let number = lines.values[index].begin(offset, bytes)
        span += 1
        spanBytes += bytes
        return Ticket(partition: partition, number: number, generation: lines.values[index].generation)
    }

    package mutating func end(_ ticket: Ticket) {
        guard let index = lines.index(forKey: ticket.partition) else { return }
        let (records, bytes) = lines.values[index].end(ticket)
        span -= records
        spanBytes -= bytes
    }

    /// The highest offset that may be committed of a partition: `end` when nothing is under way.
    package func committable(_ partition: TopicPartition, upTo end: Int64) -> Int64 {
        guard let line = lines[partition], line.head < line.offsets.count else { return end }
        return min(end, line.offsets[line.head])
    }

    package mutating func forget(_ partition: TopicPartition) {
        guard let line = lines.removeValue(forKey: partition) else { return }
        span -= line.offsets.count - line.head
        spanBytes -= line.sizes[line.head...].reduce(0, +)
    }
}

extension OffsetPrefix.Line {
    fileprivate mutating func begin(_ offset: Int64, _ bytes: Int) -> Int {
        offsets.append(offset)
        sizes.append(bytes)
        isDone.append(false)
        return first + offsets.count - 1 - head
    }

    /// - Returns: how many records, of how many bytes, are no longer waited behind.
    fileprivate mutating func end(_ ticket: OffsetPrefix.Ticket) -> (records: Int, bytes: Int) {
        let index = head + ticket.number - first
        guard ticket.generation == generation, index >= head, index < isDone.count else { return (0, 0) }
        isDone[index] = true
        let before = head
        var bytes = 0
        while head < isDone.count, isDone[head] {
            bytes += sizes[head]
            head += 1
            first += 1
        }
        let records = head - before
        // Amortised: the done part is cut off when it is the larger one.
        if head > 1024, head * 2 > offsets.count {
            offsets.removeFirst(head)
            isDone.removeFirst(head)
            sizes.removeFirst(head)
            head = 0
        }
        return (records, bytes)
    }
}
