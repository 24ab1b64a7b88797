/// One line of the table: a path of ours and, beside it, the least that plain C needs for the same.
protocol Benchmark {
    /// What is measured, e.g. `SQLite change table → topic`.
    var name: String { get }
    /// What it is measured against; `nil` for a rate that stands alone.
    var floorName: String? { get }
    /// The lowest ratio of ours to the floor that will do.
    var target: Double? { get }

    /// Measures once in an empty folder, and checks that what came out is what went in.
    func measure(in folder: String) throws -> Measurement
}

struct Measurement {
    let records: Int
    let seconds: Double
    /// The floor's time for as many records.
    let floorSeconds: Double?
    /// What else is worth seeing: memory, which must not grow along the way; processor time, which other programs disturb less than seconds.
    var notes: [String] = []

    var rate: Double { Double(records) / seconds }
    var floorRate: Double? { floorSeconds.map { Double(records) / $0 } }
    /// 1 is as fast as the floor.
    var ratio: Double? { floorSeconds.map { $0 / seconds } }
}

/// A measurement that proves nothing, because what came out is wrong.
struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Seconds a body takes.
func timed(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let duration = try clock.measure { try body() }
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}
