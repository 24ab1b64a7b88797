internal import ConnectRuntime

/// A batch's changes in the order in which they are applied: segments one after the other, each reduced per key and sorted.
struct SinkSegments {
    private struct Segment {
        let table: Name
        let signature: [UInt8]
        var reduction: SinkReduction<[Value], SinkChange>
        var isOpen = true
    }

    private var segments: [Segment] = []
    private var current: [Name: Int] = [:]
    private let reduces: Bool

    /// - Parameter reduces: false for modes in which every record is a row.
    init(reduces: Bool) { self.reduces = reduces }

    /// Adds the next change of the batch. Its layout's statements are ready.
    mutating func add(_ change: SinkChange, _ statements: SinkStatements) {
        let table = change.layout.table
        if change.action == .truncate {
            current[table] = nil
            append(table, [], change)
            current[table] = nil
            return
        }
        // Keys of other kinds of values may still be the same row to the database: they must not change places.
        if let index = current[table], segments[index].signature.elementsEqual(change.key.lazy.map(Self.kind)) {
            if !reduces || statements.keepsOrder || change.key.isEmpty {
                segments[index].reduction.addAlone(change)
                return
            }
            let isAdded = segments[index].reduction.add(change, key: change.key) { earlier, later in
                later.action == .delete || earlier.action == .delete || later.layout.covers(earlier.layout)
            }
            if isAdded { return }
        }
        append(table, change.key.map(Self.kind), change, alone: !reduces || statements.keepsOrder || change.key.isEmpty)
    }

    private mutating func append(_ table: Name, _ signature: [UInt8], _ change: SinkChange, alone: Bool = true) {
        var reduction = SinkReduction<[Value], SinkChange>()
        if alone {
            reduction.addAlone(change)
        } else {
            _ = reduction.add(change, key: change.key) { _, _ in true }
        }
        current[table] = segments.count
        segments.append(Segment(table: table, signature: signature, reduction: reduction))
    }

    /// One thing to apply: a unit of a segment.
    struct Step {
        fileprivate let segment: Int
        fileprivate let unit: Int
    }

    /// All steps: per segment deletions first, then writes, each by key where the order is free.
    /// - Parameter keepsOrder: whether a table's changes stay as they came.
    func steps(keepsOrder: (SinkLayout) -> Bool) -> [Step] {
        var steps: [Step] = []
        for (index, segment) in segments.enumerated() {
            let units = (0..<segment.reduction.unitCount)
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

    func change(of step: Step) -> SinkChange? { segments[step.segment].reduction.change(of: step.unit) }

    /// Whether a deletion of the same row lies beneath the step's present change.
    func hasDeletionBeneath(_ step: Step) -> Bool { segments[step.segment].reduction.hasSuperseded(step.unit) { $0.action == .delete } }

    mutating func fallBack(_ step: Step) -> Bool { segments[step.segment].reduction.fallBack(step.unit) }

    private static func isSorted(_ changes: [SinkChange?]) -> Bool {
        for index in changes.indices.dropFirst() {
            guard let a = changes[index - 1], let b = changes[index] else { return false }
            if precedes(b, a) { return false }
        }
        return true
    }

    private static func precedes(_ a: SinkChange, _ b: SinkChange) -> Bool {
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
