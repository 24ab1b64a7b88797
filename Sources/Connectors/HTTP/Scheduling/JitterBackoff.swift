/// How long to wait before trying again: anything between nothing and a bound that doubles (full jitter), so that many who failed together do not come back together.
package struct JitterBackoff: Sendable {
    package let minimum: Int64
    package let maximum: Int64

    /// - Parameters: milliseconds; the first wait's bound and the last one's.
    package init(minimum: Int64, maximum: Int64) {
        self.minimum = max(0, minimum)
        self.maximum = max(self.minimum, maximum)
    }

    /// - Parameter attempt: how many have failed, from 1.
    package func bound(attempt: Int) -> Int64 {
        var bound = minimum
        for _ in 1..<max(1, min(attempt, 64)) {
            let (doubled, isTooMuch) = bound.multipliedReportingOverflow(by: 2)
            if isTooMuch || doubled >= maximum { return maximum }
            bound = doubled
        }
        return min(bound, maximum)
    }

    package func delay(attempt: Int, using random: inout some RandomNumberGenerator) -> Int64 {
        let bound = bound(attempt: attempt)
        return bound == 0 ? 0 : Int64.random(in: 0...bound, using: &random)
    }
}
