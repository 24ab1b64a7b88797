internal import ConnectRuntime

/// A batch's changes in the order in which they are applied: segments one after the other, each reduced per key and sorted.
struct SinkSegments<Statements: SinkStatements> {
    typealias Change = SinkChange<Statements>

    private struct Segment {
        let signature: [UInt8]
        var reduction: SinkReduction<[Value], Change>
        /// The last key, where all are single integers that only rose, and every change is a write: nothing to look up, nothing to sort.
        var highest: Int64?
    }

    private var segments: [Segment] = []
    private var current: [SinkTable: Int] = [:]
    /// Most changes come with the layout of the one before, and go to the same segment.
    private var last: (layout: SinkLayout<Statements>, segment: Int)?
    private let capacity: Int
    private let reduces: Bool
    private let bringsBack: Bool

    /// In `insert` mode every record is a row, and nothing is reduced. In `update` mode a write brings no deleted row back.
    /// - Parameter capacity: changes to expect.
    init(_ mode: SinkSettings.InsertMode, capacity: Int = 0) {
        self.capacity = capacity
        reduces = mode != .insert
        bringsBack = mode == .upsert
    }

    /// Adds the next change of the batch. Its layout's statements are ready.
    mutating func add(_ change: Change, _ statements: Statements) {
        if change.action == .truncate {
            append(change, statements, isAlone: true)
            current[change.layout.table] = nil
            last = nil
            return
        }
        let isAlone = !reduces || statements.keepsOrder || change.key.isEmpty
        let present: Int?
        if let last, last.layout === change.layout { present = last.segment } else { present = current[change.layout.table] }
        // Where rows depend on each other they may depend on those of other tables: what came between stays between.
        let isNext = !statements.keepsOrder || present == segments.count - 1
        // Keys of other kinds of values may still be the same row to the database: they must not change places.
        if isNext, let present, segments[present].signature.elementsEqual(change.key.lazy.map(Self.kind)) {
            last = (change.layout, present)
            if isAlone {
                segments[present].highest = nil
                segments[present].reduction.addAlone(change)
                return
            }
            let risen = segments[present].highest.flatMap { Self.rising(change, above: $0) }
            segments[present].highest = risen
            let isAdded = segments[present].reduction.add(change, key: { statements.identity(of: $0.key) }, isNew: risen != nil) { earlier, later in
                later.action == .delete || (earlier.action == .delete ? bringsBack : later.layout.covers(earlier.layout))
            }
            if isAdded { return }
        }
        append(change, statements, isAlone: isAlone)
    }

    private mutating func append(_ change: Change, _ statements: Statements, isAlone: Bool) {
        var segment = Segment(
            signature: change.key.map(Self.kind), reduction: SinkReduction(capacity: segments.isEmpty ? capacity : 0),
            highest: isAlone ? nil : Self.rising(change, above: .min))
        if isAlone {
            segment.reduction.addAlone(change)
        } else {
            _ = segment.reduction.add(change, key: { statements.identity(of: $0.key) }, isNew: segment.highest != nil) { _, _ in true }
        }
        current[change.layout.table] = segments.count
        last = (change.layout, segments.count)
        segments.append(segment)
    }

    /// The key of a write, where it is a single integer that is above another: to every database that is another row.
    @inline(__always)
    private static func rising(_ change: Change, above other: Int64) -> Int64? {
        guard change.action == .write, change.key.count == 1, case .int64(let number) = change.key[0], number > other else { return nil }
        return number
    }

    /// One thing to apply: a unit of a segment.
    struct Step {
        fileprivate let segment: Int
        fileprivate let unit: Int
    }

    /// All steps: per segment deletions first, then writes, each by key where the order is free.
    /// - Parameter keepsOrder: whether a table's changes stay as they came.
    func steps(keepsOrder: (SinkLayout<Statements>) -> Bool) -> [Step] {
        var steps: [Step] = []
        for (index, segment) in segments.enumerated() {
            let units = (0..<segment.reduction.unitCount)
            if segment.highest != nil {
                steps.reserveCapacity(steps.count + units.count)
                for unit in units { steps.append(Step(segment: index, unit: unit)) }
                continue
            }
            let changes = units.map { segment.reduction.change(of: $0) }
            guard reduces, let first = changes.first ?? nil, !first.key.isEmpty, !keepsOrder(first.layout), !Self.isSorted(changes) else {
                steps += units.map { Step(segment: index, unit: $0) }
                continue
            }
            let sorted = units.sorted { left, right in
                guard let a = changes[left], let b = changes[right] else { return left < right }
                return Self.precedes(a, b)
            }
            steps += sorted.map { Step(segment: index, unit: $0) }
        }
        return steps
    }

    func change(of step: Step) -> Change? { segments[step.segment].reduction.change(of: step.unit) }

    /// Whether a deletion of the same row lies beneath the step's present change.
    func hasDeletionBeneath(_ step: Step) -> Bool { segments[step.segment].reduction.hasSuperseded(step.unit) { $0.action == .delete } }

    mutating func fallBack(_ step: Step) -> Bool { segments[step.segment].reduction.fallBack(step.unit) }

    private static func isSorted(_ changes: [Change?]) -> Bool {
        for index in changes.indices.dropFirst() {
            guard let a = changes[index - 1], let b = changes[index] else { return false }
            if precedes(b, a) { return false }
        }
        return true
    }

    private static func precedes(_ a: Change, _ b: Change) -> Bool {
        if a.action != b.action { return a.action == .delete }
        for (left, right) in zip(a.key, b.key) {
            switch (left, right) {
            case (.int64(let x), .int64(let y)): if x != y { return x < y }
            case (.int32(let x), .int32(let y)): if x != y { return x < y }
            case (.string(let x), .string(let y)): if !equalBytes(x, y) { return x.utf8.lexicographicallyPrecedes(y.utf8) }
            case (.bytes(let x), .bytes(let y)): if x != y { return x.lexicographicallyPrecedes(y) }
            default: continue
            }
        }
        return false
    }

    private static func kind(_ value: Value) -> UInt8 {
        switch value {
        case .null: 0
        case .boolean: 1
        case .int8: 2
        case .int16: 3
        case .int32: 4
        case .int64: 5
        case .float32: 6
        case .float64: 7
        case .string: 8
        case .bytes: 9
        case .decimal: 10
        case .date: 11
        case .time: 12
        case .timestamp: 13
        case .array, .map, .structure: 14
        }
    }
}
