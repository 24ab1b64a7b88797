/// How long something takes, and what it costs while nothing happens: a line of the second table.
struct Timing {
    /// In milliseconds, sorted.
    let milliseconds: [Double]
    /// What one fdatasync of 8 KiB took meanwhile on the same disk, in milliseconds, sorted: the server's commit is one, the log's another.
    let syncMilliseconds: [Double]
    /// Of one core, in percent, over half a minute without a change: ours, and what we have all of the server's processes use beyond what they use alone in as long a time.
    let idleOurs: Double
    let idleServers: Double

    func percentile(_ share: Double) -> Double { Self.percentile(share, milliseconds) }

    static func percentile(_ share: Double, _ sorted: [Double]) -> Double {
        sorted.isEmpty ? .infinity : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
