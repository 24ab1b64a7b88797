package import ConnectRuntime

/// Which offsets may be committed while records end in any order: below the first one of a partition that is still under way (P1).
package struct OffsetPrefix {
    /// One partition's records under way, in offset order; done ones stay until everything before them is done.
    fileprivate struct Line {
        var offsets: [Int64] = []
        var isDone: [Bool] = []
        var head = 0
        /// The number of the record at `head` since the line began.
        var first = 0
        /// Counts up when the partition is given up: tickets of before mean nothing.
        var generation = 0
    }

    private var lines: [TopicPartition: Line] = [:]
    private var generations = 0

    /// Names a record under way.
    package struct Ticket: Sendable, Hashable {
        let partition: TopicPartition
        let number: Int
        let generation: Int
    }

    package init() {}

    package mutating func begin(_ partition: TopicPartition, offset: Int64) -> Ticket {
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
        let number = lines.values[index].begin(offset)
        return Ticket(partition: partition, number: number, generation: lines.values[index].generation)
    }

    package mutating func end(_ ticket: Ticket) {
        guard let index = lines.index(forKey: ticket.partition) else { return }
        lines.values[index].end(ticket)
    }

    /// The highest offset that may be committed of a partition: `end` when nothing is under way.
    package func committable(_ partition: TopicPartition, upTo end: Int64) -> Int64 {
        guard let line = lines[partition], line.head < line.offsets.count else { return end }
        return min(end, line.offsets[line.head])
    }

    package mutating func forget(_ partition: TopicPartition) { lines[partition] = nil }
}

extension OffsetPrefix.Line {
    fileprivate mutating func begin(_ offset: Int64) -> Int {
        offsets.append(offset)
        isDone.append(false)
        return first + offsets.count - 1 - head
    }

    fileprivate mutating func end(_ ticket: OffsetPrefix.Ticket) {
        let index = head + ticket.number - first
        guard ticket.generation == generation, index >= head, index < isDone.count else { return }
        isDone[index] = true
        while head < isDone.count, isDone[head] {
            head += 1
            first += 1
        }
        // Amortised: the done part is cut off when it is the larger one.
        if head > 1024, head * 2 > offsets.count {
            offsets.removeFirst(head)
            isDone.removeFirst(head)
            head = 0
        }
    }
}
