/// Finds the bad units among many in O(k log n) attempts, so that the rest gets through.
public enum SinkBisection {
    /// Applies all units of a range, halving it around those that fail for good.
    ///
    /// - Parameters:
    ///   - apply: applies a range in order, wholly or not at all (a savepoint).
    ///   - isBad: whether an error is a unit's own fault; any other error ends everything and is thrown on.
    ///   - replace: told of a unit that fails by itself; returns whether something else has taken its place and is to be tried.
    public static func run(
        _ range: Range<Int>, apply: (Range<Int>) throws -> Void, isBad: (any Error) -> Bool, replace: (Int, any Error) throws -> Bool
    ) throws {
        var pending = range.isEmpty ? [] : [range]
        while let next = pending.popLast() {
            do {
                try apply(next)
            } catch where isBad(error) {
                if next.count == 1 {
                    if try replace(next.lowerBound, error) { pending.append(next) }
                } else {
                    let middle = next.lowerBound + next.count / 2
                    pending.append(middle..<next.upperBound)
                    pending.append(next.lowerBound..<middle)
                }
            }
        }
    }
}
