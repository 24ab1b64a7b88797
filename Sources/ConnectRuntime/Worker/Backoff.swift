/// How long to wait before trying again: doubling, with jitter, so that many tasks that failed together do not come back together.
package struct Backoff: Sendable {
    package let first: Int
    package let longest: Int
    package private(set) var attempts = 0

    /// - Parameters: milliseconds before the second attempt, and the most.
    package init(first: Int = 200, longest: Int = 10_000) {
        self.first = first
        self.longest = longest
    }

    /// Counts one more failure.
    /// - Parameter random: a number in 0..<its argument.
    /// - Returns: milliseconds to wait, between half of the doubled time and all of it.
    package mutating func next(random: (Int) -> Int = { Int.random(in: 0..<max(1, $0)) }) -> Int {
        attempts += 1
        let whole = min(longest, first << min(attempts - 1, 20))
        return whole / 2 + random(whole / 2 + 1)
    }

    /// Something worked: start over.
    package mutating func reset() { attempts = 0 }
}
