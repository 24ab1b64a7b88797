/// What a batch asks of one table, reduced per key: the last change of each key stands for it, with those it superseded kept in reserve.
///
/// Pure; shared by all database sinks. A superseded change is applied only when its successor fails for good, and so on down.
/// Not every change can stand for an earlier one (a row with fewer columns cannot): then the caller closes this reduction and begins another,
/// applied after it. Inlinable, since every record goes through it: other modules' keys and changes get code of their own.
public struct SinkReduction<Key: Hashable, Change> {
    @usableFromInline struct Link {
        @usableFromInline let change: Change
        /// The change of the same key before it, −1 for none.
        @usableFromInline let previous: Int

        @inlinable init(change: Change, previous: Int) {
            self.change = change
            self.previous = previous
        }
    }

    @usableFromInline var links: [Link] = []
    /// Per unit: its present link, −1 once all of them failed.
    @usableFromInline var present: [Int] = []
    /// Units by their keys, but for the ``unlisted`` ones.
    @usableFromInline var units: [Key: Int] = [:]
    /// Units whose keys were new for sure when they came: nobody has asked for one of them yet.
    @usableFromInline var unlisted: [Int] = []

    @inlinable public init(capacity: Int = 0) {
        links.reserveCapacity(capacity)
        present.reserveCapacity(capacity)
        units.reserveCapacity(capacity)
    }

    @inlinable public var unitCount: Int { present.count }
    @inlinable public var isEmpty: Bool { present.isEmpty }

    /// Adds a change of a row with identity; it supersedes the key's present one.
    /// - Parameters:
    ///   - key: gives a change's key.
    ///   - isNew: the caller knows that no change of this key came before, as where keys only rise: it need not be looked up.
    ///   - canStandFor: whether the new change leaves the row as both would, one after the other.
    /// - Returns: false when it cannot: nothing was added.
    @inlinable public mutating func add(
        _ change: Change, key: (Change) -> Key, isNew: Bool = false, canStandFor: (_ earlier: Change, _ later: Change) -> Bool
    ) -> Bool {
        if isNew {
            unlisted.append(present.count)
            addAlone(change)
            return true
        }
        for unit in unlisted where present[unit] >= 0 { units[key(links[present[unit]].change)] = unit }
        unlisted.removeAll()
        let key = key(change)
        // One look-up for both: what is there, or the place of a new one.
        let next = present.count
        let unit = Self.value(of: &units[key, default: next])
        if unit == next {
            present.append(links.count)
            links.append(Link(change: change, previous: -1))
        } else {
            if !canStandFor(links[present[unit]].change, change) { return false }
            links.append(Link(change: change, previous: present[unit]))
            present[unit] = links.count - 1
        }
        return true
    }

    @inlinable static func value(of place: inout Int) -> Int { place }

    /// Adds a change that stands for itself alone: a row without identity, or a table where every change counts.
    @inlinable public mutating func addAlone(_ change: Change) {
        present.append(links.count)
        links.append(Link(change: change, previous: -1))
    }

    /// What a unit applies now, `nil` when nothing of it is left.
    @inlinable public func change(of unit: Int) -> Change? { present[unit] < 0 ? nil : links[present[unit]].change }

    /// Whether a unit's present change has one beneath it that satisfies a condition.
    @inlinable public func hasSuperseded(_ unit: Int, where condition: (Change) -> Bool) -> Bool {
        var link = present[unit] < 0 ? -1 : links[present[unit]].previous
        while link >= 0 {
            if condition(links[link].change) { return true }
            link = links[link].previous
        }
        return false
    }

    /// The present change failed for good: the one it superseded takes its place.
    /// - Returns: whether there is one.
    @inlinable public mutating func fallBack(_ unit: Int) -> Bool {
        guard present[unit] >= 0 else { return false }
        present[unit] = links[present[unit]].previous
        return present[unit] >= 0
    }
}
