/// The table in Markdown.
struct Report {
    private(set) var isGood = true

    static let head = """
        | path | records/s, three runs | floor | its records/s | ratio | at least |
        |---|---|---|---|---|---|
        """

    mutating func line(_ benchmark: any Benchmark, _ measurements: [Measurement]) -> String {
        let rates = measurements.map { Self.thousands($0.rate) }.joined(separator: " · ")
        let floors = measurements.compactMap { $0.floorRate.map(Self.thousands) }.joined(separator: " · ")
        let ratios = measurements.compactMap(\.ratio)
        let missed = benchmark.target.map { target in ratios.contains { $0 < target } } ?? false
        if missed { isGood = false }
        let bar = benchmark.target.map { Self.hundredths($0) + (missed ? " MISSED" : "") } ?? ""
        let notes = measurements.map { $0.notes.joined(separator: ", ") }.filter { !$0.isEmpty }.joined(separator: " · ")
        let name = notes.isEmpty ? benchmark.name : "\(benchmark.name) (\(notes))"
        return "| \(name) | \(rates) | \(benchmark.floorName ?? "") | \(floors) | \(ratios.map(Self.hundredths).joined(separator: " · ")) | \(bar) |"
    }

    static let timingHead = """
        | latency | p50 ms, three runs | p90 | p99 | longest | at most | one fdatasync: p50, p99 | 30 s idle: ours, % of a core | the server's, less 30 s before we connect | at most |
        |---|---|---|---|---|---|---|---|---|---|
        """

    mutating func line(_ latency: PostgresLatency, _ timings: [Timing]) -> String {
        func all(_ value: (Timing) -> Double) -> String { timings.map { Self.hundredths(value($0)) }.joined(separator: " · ") }
        let limits = latency.mostMilliseconds
        let isSlow = timings.contains { $0.percentile(0.5) > limits.p50 || $0.percentile(0.99) > limits.p99 }
        let isBusy = timings.contains { $0.idleOurs > latency.mostIdle || $0.idleServers > latency.mostIdle }
        if isSlow || isBusy { isGood = false }
        let bar = "p50 \(Self.hundredths(limits.p50)), p99 \(Self.hundredths(limits.p99))\(isSlow ? " MISSED" : "")"
        return "| \(latency.name) | \(all { $0.percentile(0.5) }) | \(all { $0.percentile(0.9) }) | \(all { $0.percentile(0.99) }) | "
            + "\(all { $0.percentile(1) }) | \(bar) | \(all { Timing.percentile(0.5, $0.syncMilliseconds) }), \(all { Timing.percentile(0.99, $0.syncMilliseconds) }) | \(all(\.idleOurs)) | \(all(\.idleServers)) | \(Self.hundredths(latency.mostIdle))\(isBusy ? " MISSED" : "") |"
    }

    static func thousands(_ rate: Double) -> String { "\(Int((rate / 1000).rounded())) k" }

    static func hundredths(_ number: Double) -> String {
        let rounded = Int((max(0, number) * 100).rounded())
        return "\(rounded / 100).\(rounded % 100 < 10 ? "0" : "")\(rounded % 100)"
    }
}
