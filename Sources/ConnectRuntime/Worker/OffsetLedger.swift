/// Which source offsets may be stored when: a pure account of transactions in their order (P1, P2).
///
/// Every record that was polled is entered, also a filtered or failed one, in the source's order. An offset is stored in the
/// transaction that also holds everything before it, and told to the source only when that, and every transaction before it, is durable.
package struct OffsetLedger {
    package typealias Offset = (partition: SourcePartition, offset: SourceOffset)

    private struct Line {
        let partition: SourcePartition
        /// Compared first: to look at the partition would count up and down the references to it, for each record.
        let identity: ObjectIdentifier
        var offset: SourceOffset?
        /// Records since the last one that had an offset.
        var uncovered: Int
    }

    private var open: [Line] = []
    private var last = 0
    private var sealed: [(offsets: [Offset], records: Int)] = []
    /// Records entered since the last seal.
    package private(set) var openRecords = 0

    package init() {}

    /// Enters the next record of the open transaction.
    package mutating func enter(_ origin: SourceOrigin) {
        openRecords += 1
        if last >= open.count || open[last].identity != ObjectIdentifier(origin.partition) { find(origin.partition) }
        if let offset = origin.offset {
            open[last].offset = offset
            open[last].uncovered = 0
        } else {
            open[last].uncovered += 1
        }
    }

    private mutating func find(_ partition: SourcePartition) {
        if let known = open.firstIndex(where: { $0.partition == partition }) {
            last = known
        } else {
            open.append(Line(partition: partition, identity: ObjectIdentifier(partition), offset: nil, uncovered: 0))
            last = open.count - 1
        }
    }

    /// Enters records of the open transaction that follow each other.
    package mutating func enter(_ entries: [RecordBatch.Entry], _ range: Range<Int>) {
        entries.withUnsafeBufferPointer { entries in
            for index in range {
                entries.lend(index) { entry in
                    if case .source(let origin) = entry.origin { enter(origin) }
                }
            }
        }
    }

    /// Whether the open transaction could end here without tearing records apart that share an offset.
    package var isCovered: Bool { open.allSatisfy { $0.uncovered == 0 } }

    /// The open transaction is about to be committed.
    /// - Returns: the offsets to store in it, the last of each partition.
    package mutating func seal() -> [Offset] {
        let offsets: [Offset] = open.compactMap { line in line.offset.map { (line.partition, $0) } }
        sealed.append((offsets, openRecords))
        forgetOpen()
        return offsets
    }

    /// The open transaction was aborted on purpose: what it held counts as dropped by the connector, and its offsets go with the next one.
    package mutating func dropOpen() {
        openRecords = 0
    }

    /// The oldest sealed transaction became durable.
    /// - Returns: what the source may now be told, and how many records that were.
    package mutating func settle() -> (offsets: [Offset], records: Int) {
        sealed.isEmpty ? ([], 0) : sealed.removeFirst()
    }

    package var unsettled: Int { sealed.count }

    private mutating func forgetOpen() {
        open.removeAll(keepingCapacity: true)
        last = 0
        openRecords = 0
    }
}
