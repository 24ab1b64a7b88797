/// What the tail does next: tables that stand at the same place go on together, others catch up first. A value, without any I/O.
///
/// A batch of a group is what finished between its `from` and a newer snapshot, in the order of the change ids. Groups arise only at the start
/// (tables were stored at different places, came later, or were another task's); once they stand at one snapshot they are one.
package struct TailPlan: Sendable, Hashable {
    package struct Group: Sendable, Hashable {
        package var tables: Set<UInt32>
        package var from: XidSnapshot
        /// The end of the batch that is under way.
        package var to: XidSnapshot?
        /// Of the batch under way: the last change sent, for tables of which something was.
        package var sent: [UInt32: Int64] = [:]

        package init(tables: Set<UInt32>, from: XidSnapshot, to: XidSnapshot? = nil) {
            self.tables = tables
            self.from = from
            self.to = to
        }

        /// Changes up to here were sent for every table.
        package var sentByAll: Int64 { tables.map { sent[$0] ?? 0 }.min() ?? 0 }
    }

    package private(set) var groups: [Group] = []

    package init() {}

    package enum Step: Sendable, Hashable {
        /// Nothing to tail.
        case nothing
        /// Look what is new for the one group there is.
        case look
        /// Send (on) the batch that is under way.
        case send(group: Int)
        /// Take a snapshot and call ``align(at:)``.
        case align
    }

    package var next: Step {
        if groups.isEmpty { return .nothing }
        if let index = groups.firstIndex(where: { $0.to != nil }) { return .send(group: index) }
        return groups.count == 1 ? .look : .align
    }

    /// A table that begins or goes on at a position.
    package mutating func add(_ table: UInt32, from: XidSnapshot, to: XidSnapshot? = nil, sent: Int64 = 0) {
        let index: Int
        if let found = groups.firstIndex(where: { $0.from == from && $0.to == to }) {
            index = found
            groups[index].tables.insert(table)
        } else {
            index = groups.count
            groups.append(Group(tables: [table], from: from, to: to))
        }
        if to != nil, sent > 0 { groups[index].sent[table] = sent }
    }

    package mutating func remove(_ table: UInt32) {
        for index in groups.indices {
            groups[index].tables.remove(table)
            groups[index].sent[table] = nil
        }
        groups.removeAll(where: \.tables.isEmpty)
    }

    /// Several groups: all go up to one snapshot.
    package mutating func align(at snapshot: XidSnapshot) {
        for index in groups.indices where groups[index].from != snapshot { groups[index].to = snapshot }
        merge()
    }

    /// The look found so much that more is to come: the batch up to `snapshot` is under way, everything up to change `id` was sent.
    package mutating func begin(to snapshot: XidSnapshot, sent id: Int64) {
        guard groups.count == 1 else { return }
        groups[0].to = snapshot
        for table in groups[0].tables { groups[0].sent[table] = id }
    }

    /// Of the batch under way everything up to change `id` was sent now.
    package mutating func advance(group index: Int, to id: Int64) {
        for table in groups[index].tables where groups[index].sent[table] ?? 0 < id { groups[index].sent[table] = id }
    }

    /// The batch under way is sent.
    package mutating func finish(group index: Int) {
        guard let to = groups[index].to else { return }
        groups[index].from = to
        groups[index].to = nil
        groups[index].sent = [:]
        merge()
    }

    /// A look found everything there is up to `snapshot`.
    package mutating func complete(at snapshot: XidSnapshot) {
        guard groups.count == 1 else { return }
        groups[0].from = snapshot
        groups[0].to = nil
        groups[0].sent = [:]
    }

    private mutating func merge() {
        var merged: [Group] = []
        for group in groups {
            if group.to == nil, let index = merged.firstIndex(where: { $0.to == nil && $0.from == group.from }) {
                merged[index].tables.formUnion(group.tables)
            } else {
                merged.append(group)
            }
        }
        groups = merged
    }
}
