/// How long something takes, and what it costs while nothing happens: a line of the second table.
struct Timing {
    /// In milliseconds, sorted.
    let milliseconds: [Double]
    /// Of one core, in percent, over ten seconds without a change: ours, and what we have the server use beyond what it uses alone.
    let idleOurs: Double
    let idleServers: Double

    func percentile(_ share: Double) -> Double {
        milliseconds.isEmpty ? .infinity : milliseconds[min(milliseconds.count - 1, Int(Double(milliseconds.count) * share))]
    }
}
