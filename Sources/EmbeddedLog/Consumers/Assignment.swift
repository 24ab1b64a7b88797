internal import ConnectRuntime

/// Shares partitions among the members of a group: balanced, sticky, the same for the same input. A pure function.
enum Assignment {
    typealias Member = Int

    /// - Parameters:
    ///   - wanted: the partitions each member has subscribed to, by serial.
    ///   - owners: who has a partition now; members keep what they have as long as that is fair.
    static func compute(wanted: [Member: Set<Int64>], owners: [Int64: Member]) -> [Int64: Member] {
        let members = wanted.keys.sorted()
        var assigned: [Int64: Member] = [:]
        var load: [Member: Int] = [:]
        for member in members { load[member] = 0 }
        func give(_ serial: Int64, to member: Member) {
            if let before = assigned[serial] { load[before, default: 0] -= 1 }
            assigned[serial] = member
            load[member, default: 0] += 1
        }
        func leastLoaded(_ serial: Int64) -> Member? {
            members.filter { wanted[$0]?.contains(serial) == true }.min { (load[$0] ?? 0, $0) < (load[$1] ?? 0, $1) }
        }
        let serials = wanted.values.reduce(into: Set<Int64>()) { $0.formUnion($1) }.sorted()
        for serial in serials { if let owner = owners[serial], wanted[owner]?.contains(serial) == true { give(serial, to: owner) } }
        for serial in serials where assigned[serial] == nil { if let member = leastLoaded(serial) { give(serial, to: member) } }
        // Each move brings two loads nearer to each other, so this ends.
        var isMoving = true
        while isMoving {
            isMoving = false
            for serial in serials {
                guard let owner = assigned[serial], let other = leastLoaded(serial), (load[owner] ?? 0) - (load[other] ?? 0) > 1 else { continue }
                give(serial, to: other)
                isMoving = true
            }
        }
        return assigned
    }
}
