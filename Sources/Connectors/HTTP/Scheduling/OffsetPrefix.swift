package import ConnectRuntime

/// Which offsets may be committed while records end in any order: below the first one of a partition that is still under way (P1).
package struct OffsetPrefix {
    /// One partition's records under way, in offset order; done ones stay until everything before them is done.
    fileprivate final class Line {
        let partition: TopicPartition
        /// In one piece: every access to an object's variable is checked at run time, and every record has several.
        var records = Records()
        /// Whether the partition was given up: its tickets mean nothing any more.
        var isForgotten = false

        init(_ partition: TopicPartition) { self.partition = partition }
    }

    fileprivate struct Records {
        var offsets: [Int64] = []
        var isDone: [Bool] = []
        /// What each record keeps in memory while the first one is under way.
        var sizes: [Int] = []
        var head = 0
        /// The number of the record at `head` since the line began.
        var first = 0
    }

    private var lines: [TopicPartition: Line] = [:]
    /// The line of the record before: neighbours mostly are of one partition.
    private var last: Line?
    /// Records that were begun and are not below the first one under way, and their bytes.
    package private(set) var span = 0
    package private(set) var spanBytes = 0

    /// Names a record under way.
    package struct Ticket {
        fileprivate let line: Line
        fileprivate let number: Int
        package var partition: TopicPartition { line.partition }
    }

    package init() {}

    /// Records that something is kept of: those of the span, and done ones before it that were not cut off yet.
    package var remembered: Int { lines.values.reduce(0) { $0 + $1.records.offsets.count } }

    package mutating func begin(_ partition: TopicPartition, offset: Int64, bytes: Int = 0) -> Ticket {
        let line = line(partition)
        span += 1
        spanBytes += bytes
        return Ticket(line: line, number: line.records.begin(offset, bytes))
    }

    private mutating func line(_ partition: TopicPartition) -> Line {
        if let last, last.partition == partition { return last }
        let line = lines[partition] ?? Line(partition)
        lines[partition] = line
        last = line
        return line
    }

    package mutating func end(_ ticket: Ticket) {
        if ticket.line.isForgotten { return }
        let (records, bytes) = ticket.line.records.end(ticket.number)
        span -= records
        spanBytes -= bytes
    }

    /// The highest offset that may be committed of a partition: `end` when nothing is under way.
    package func committable(_ partition: TopicPartition, upTo end: Int64) -> Int64 {
        guard let records = lines[partition]?.records, records.head < records.offsets.count else { return end }
        return min(end, records.offsets[records.head])
    }

    package mutating func forget(_ partition: TopicPartition) {
        last = nil
        guard let line = lines.removeValue(forKey: partition) else { return }
        line.isForgotten = true
        let records = line.records
        span -= records.offsets.count - records.head
        spanBytes -= records.sizes[records.head...].reduce(0, +)
    }
}

extension OffsetPrefix.Records {
    fileprivate mutating func begin(_ offset: Int64, _ bytes: Int) -> Int {
        offsets.append(offset)
        sizes.append(bytes)
        isDone.append(false)
        return first + offsets.count - 1 - head
    }

    /// - Returns: how many records, of how many bytes, are no longer waited behind.
    fileprivate mutating func end(_ number: Int) -> (records: Int, bytes: Int) {
        let index = head + number - first
        guard index >= head, index < isDone.count else { return (0, 0) }
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
