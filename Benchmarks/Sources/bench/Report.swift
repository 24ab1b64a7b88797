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
        return "| \(benchmark.name) | \(rates) | \(benchmark.floorName ?? "") | \(floors) | \(ratios.map(Self.hundredths).joined(separator: " · ")) | \(bar) |"
    }

    static func thousands(_ rate: Double) -> String { "\(Int((rate / 1000).rounded())) k" }

    static func hundredths(_ number: Double) -> String {
        let rounded = Int((number * 100).rounded())
        return "\(rounded / 100).\(rounded % 100 < 10 ? "0" : "")\(rounded % 100)"
    }
}
