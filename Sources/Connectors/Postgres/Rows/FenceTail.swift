/// Where a tail by gaps stands in one table: a value, without any I/O.
///
/// An insert locks its table before it draws its number. So once a row above a gap was seen, whoever may still fill the gap either ended or is among
/// those who hold that lock now; when none of those is left, what is still missing stays missing.
package struct FenceTail: Sendable, Hashable {
    /// Everything up to here was delivered, or will never be there.
    package private(set) var last: Int64
    /// Up to here holes are permanent.
    package private(set) var settled: Int64
    /// Who must end before holes up to `top` are permanent.
    package private(set) var waiting: Wait?

    package struct Wait: Sendable, Hashable {
        package let top: Int64
        package let holders: Set<String>
        /// Whether rows up to `top` are from before the start and are not delivered.
        package let skips: Bool
    }

    package init(last: Int64) {
        self.last = last
        settled = last
    }

    /// Of rows read in one snapshot, `id > last` in their order: how many may be delivered now.
    package func deliverable(_ ids: [Int64]) -> Int {
        var previous = last
        for (index, id) in ids.enumerated() {
            if id > settled, previous == Int64.max || id != max(previous, settled) + 1 { return index }
            previous = id
        }
        return ids.count
    }

    package mutating func delivered(upTo id: Int64) {
        last = max(last, id)
        settled = max(settled, last)
    }

    /// A gap below `top`: `holders` were listed after the row at `top` was read.
    package mutating func wait(top: Int64, holders: Set<String>, skips: Bool = false) {
        waiting = Wait(top: top, holders: holders, skips: skips)
    }

    /// - Parameters:
    ///   - holders: who holds the lock now.
    ///   - hasPrepared: whether a prepared transaction that may be any of those waited for is among them.
    /// - Returns: whether nobody is waited for any more; rows are to be read anew then.
    package mutating func look(holders: Set<String>, hasPrepared: Bool) -> Bool {
        guard let waiting else { return true }
        if hasPrepared || !waiting.holders.isDisjoint(with: holders) { return false }
        settled = max(settled, waiting.top)
        if waiting.skips { last = max(last, waiting.top) }
        self.waiting = nil
        return true
    }
}
