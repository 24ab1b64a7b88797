internal import ConnectRuntime
internal import Synchronization

/// Keeps who is in which group and who has which partition. A consumer without a group is alone in one of its own.
final class GroupCoordinator: Sendable {
    /// What a member learns when it polls.
    struct Changes {
        var revoked: [PartitionLog] = []
        var lost: [PartitionLog] = []
        var assigned: [PartitionLog] = []
        var isEmpty: Bool { revoked.isEmpty && lost.isEmpty && assigned.isEmpty }
    }

    private struct Member {
        var signal: ConsumerSignal
        var subscription: Subscription?
        var lastPoll: UInt64
        var lost: [PartitionLog] = []
        /// Told at the last poll that they go; free at the next.
        var leaving: Set<Int64> = []
        /// Has not polled for too long: gets nothing until it does.
        var isSilent = false
    }

    private struct Group {
        var members: [Int: Member] = [:]
        /// Who has a partition now.
        var owners: [Int64: Int] = [:]
        /// Who shall have it.
        var targets: [Int64: Int] = [:]
        var partitions: [Int64: PartitionLog] = [:]
    }

    private struct State {
        var nextMember = 0
        var groups: [GroupKey: Group] = [:]
    }

    enum GroupKey: Hashable {
        case named(Name)
        case alone(Int)
    }

    private let state = Mutex(State())
    private let log: LogState
    private let clock: any WorkerClock
    private let maximumPollInterval: UInt64

    init(log: LogState, clock: any WorkerClock, maximumPollIntervalMilliseconds: Int) {
        self.log = log
        self.clock = clock
        maximumPollInterval = UInt64(nanosecondsIn: maximumPollIntervalMilliseconds)
    }

    func join(_ group: Name?, _ signal: ConsumerSignal) -> (key: GroupKey, member: Int) {
        let now = clock.monotonicNanoseconds()
        return state.withLock { state in
            state.nextMember += 1
            let member = state.nextMember
            let key = group.map { GroupKey.named($0) } ?? .alone(member)
            state.groups[key, default: Group()].members[member] = Member(signal: signal, lastPoll: now)
            return (key, member)
        }
    }

    func subscribe(_ key: GroupKey, _ member: Int, _ subscription: Subscription) {
        state.withLock { state in
            state.groups[key]?.members[member]?.subscription = subscription
            recompute(&state, key)
        }
    }

    func leave(_ key: GroupKey, _ member: Int) {
        state.withLock { state in
            guard var group = state.groups[key], group.members.removeValue(forKey: member) != nil else { return }
            group.owners = group.owners.filter { $0.value != member }
            state.groups[key] = group.members.isEmpty ? nil : group
            recompute(&state, key)
        }
    }

    func topicsChanged() {
        state.withLock { state in for key in Array(state.groups.keys) { recompute(&state, key) } }
    }

    func hasMembers(_ group: Name) -> Bool { state.withLock { $0.groups[.named(group)] != nil } }

    func owns(_ key: GroupKey, _ member: Int, _ partition: PartitionLog) -> Bool {
        state.withLock { $0.groups[key]?.owners[partition.serial] == member }
    }

    /// Wakes everybody: the log ends.
    func closeAll() {
        state.withLock { state in for group in state.groups.values { for member in group.members.values { member.signal.set() } } }
    }

    /// Called at the start of every poll: releases what was revoked by the last one, tells what changed.
    func synchronize(_ key: GroupKey, _ member: Int) -> Changes {
        let now = clock.monotonicNanoseconds()
        return state.withLock { state in
            guard state.groups[key]?.members[member] != nil else { return Changes() }
            notice(&state, key, member, now)
            guard var group = state.groups[key] else { return Changes() }
            var changes = Changes()
            changes.lost = group.members[member]?.lost ?? []
            group.members[member]?.lost = []
            let released = group.members[member]?.leaving ?? []
            for serial in released where group.owners[serial] == member {
                group.owners[serial] = nil
                wake(group, group.targets[serial])
            }
            group.members[member]?.leaving = []
            for (serial, target) in group.targets where target == member && group.owners[serial] == nil {
                guard let partition = group.partitions[serial] else { continue }
                group.owners[serial] = member
                changes.assigned.append(partition)
            }
            for (serial, owner) in group.owners where owner == member && group.targets[serial] != member {
                guard let partition = group.partitions[serial] else { continue }
                group.members[member]?.leaving.insert(serial)
                changes.revoked.append(partition)
            }
            state.groups[key] = group
            changes.assigned.sort { $0.topicPartition < $1.topicPartition }
            changes.revoked.sort { $0.topicPartition < $1.topicPartition }
            return changes
        }
    }

    /// Notes that this member lives, and takes everything from those that have not polled for too long.
    private func notice(_ state: inout State, _ key: GroupKey, _ member: Int, _ now: UInt64) {
        guard var group = state.groups[key] else { return }
        var isChanged = group.members[member]?.isSilent ?? false
        group.members[member]?.lastPoll = now
        group.members[member]?.isSilent = false
        for (number, other) in group.members where number != member && !other.isSilent && now > other.lastPoll && now - other.lastPoll > maximumPollInterval {
            isChanged = true
            group.members[number]?.isSilent = true
            group.members[number]?.leaving = []
            for (serial, owner) in group.owners where owner == number {
                group.owners[serial] = nil
                if let partition = group.partitions[serial] { group.members[number]?.lost.append(partition) }
            }
            wake(group, number)
        }
        state.groups[key] = group
        if isChanged { recompute(&state, key) }
    }

    private func wake(_ group: Group, _ member: Int?) { if let member { group.members[member]?.signal.set() } }

    private func recompute(_ state: inout State, _ key: GroupKey) {
        guard var group = state.groups[key] else { return }
        let topics = log.topics
        var partitions: [Int64: PartitionLog] = [:]
        for topic in topics { for partition in topic.partitions { partitions[partition.serial] = partition } }
        // Partitions of deleted topics are nobody's any more.
        for (serial, owner) in group.owners where partitions[serial] == nil {
            if let gone = group.partitions[serial] { group.members[owner]?.lost.append(gone) }
            group.owners[serial] = nil
            wake(group, owner)
        }
        var wanted: [Int: Set<Int64>] = [:]
        for (number, member) in group.members {
            guard let subscription = member.subscription, !member.isSilent else { continue }
            var serials: Set<Int64> = []
            for topic in topics where accepts(subscription, topic.description.name) { serials.formUnion(topic.partitions.map(\.serial)) }
            wanted[number] = serials
        }
        group.partitions = partitions
        let before = group.targets
        group.targets = Assignment.compute(wanted: wanted, owners: group.owners)
        for (serial, target) in group.targets where before[serial] != target || group.owners[serial] != target {
            wake(group, target)
            wake(group, group.owners[serial])
        }
        for (serial, owner) in group.owners where group.targets[serial] != owner { wake(group, owner) }
        state.groups[key] = group
    }

    private func accepts(_ subscription: Subscription, _ topic: Name) -> Bool {
        switch subscription {
        case .topics(let names): names.contains(topic)
        case .matching(let predicate): predicate(topic)
        }
    }
}
