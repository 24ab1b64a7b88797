/// The gates of the servers that records go to, by origin. Most tasks know one; what is remembered of many is bounded.
struct HostGates: Sendable {
    private var origins: [String] = []
    private var gates: [HostGate] = []
    private var numbers: [String: Int] = [:]
    private let make: @Sendable () -> HostGate

    /// Most servers that something is remembered of.
    private static let limit = 1024

    init(_ make: @escaping @Sendable () -> HostGate) { self.make = make }

    /// The gate's number: until ``forgetPlain(now:)``.
    mutating func number(of origin: String) -> Int {
        // The one and only, or the first: found without hashing.
        if let first = origins.first, first == origin { return 0 }
        if let known = numbers[origin] { return known }
        numbers[origin] = gates.count
        origins.append(origin)
        gates.append(make())
        return gates.count - 1
    }

    subscript(origin: String) -> HostGate {
        mutating get { gates[number(of: origin)] }
        _modify {
            let number = number(of: origin)
            yield &gates[number]
        }
    }

    /// Forgets servers of which nothing needs remembering, when there are many.
    mutating func forgetPlain(now: Int64) {
        if gates.count <= Self.limit { return }
        let kept = gates.indices.filter { !gates[$0].isPlain(now: now) }
        origins = kept.map { origins[$0] }
        gates = kept.map { gates[$0] }
        numbers = [:]
        for (number, origin) in origins.enumerated() { numbers[origin] = number }
    }
}
