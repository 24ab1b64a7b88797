/// Finds the name somebody probably meant.
public enum Nearest {
    /// The candidate with the fewest edits (a swap of neighbours counts as one), `nil` when none is close: at most a third of its length.
    public static func name(to written: Name, among candidates: [Name]) -> Name? {
        let target = Array(written.text.lowercased().utf8)
        var best: (name: Name, distance: Int)?
        for candidate in candidates {
            let distance = edits(target, Array(candidate.text.lowercased().utf8))
            if distance <= max(1, candidate.text.utf8.count / 3), distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    static func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                let same = a[i - 1] == b[j - 1]
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], beforeLast[j - 2] + 1) }
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
