/// Random numbers that repeat from a seed (SplitMix64): a failure found by chance is run again with the seed its message names.
public struct RandomNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Another stream of the same seed, for a thread of its own.
    public mutating func fork() -> RandomNumbers { RandomNumbers(seed: next()) }

    /// Whether one of `n` cases came up.
    public mutating func oneIn(_ n: Int) -> Bool { Int.random(in: 0..<max(1, n), using: &self) == 0 }
}
