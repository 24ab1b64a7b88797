import ConnectTesting
import Glibc

/// Measures each path three times beside its floor and prints a table. Words name the benchmarks to run: all whose name contains one.
@main struct Main {
    static func main() {
        let words = CommandLine.arguments.dropFirst()
        let benchmarks: [any Benchmark] = [
            LogAppend(inFlight: 1), LogAppend(inFlight: 4), ChangeTableToTopic(rows: 1_000_000), TopicToTable(rows: 1_000_000),
            TopicToHTTP(records: 200_000, batch: 1), TopicToHTTP(records: 1_000_000, batch: 500), JSONEncode(), JSONDecode(),
        ]
        var report = Report()
        print(Report.head)
        for benchmark in benchmarks where words.isEmpty || words.contains(where: { benchmark.name.lowercased().contains($0.lowercased()) }) {
            do {
                let measurements = try (0..<3).map { _ in
                    let folder = try TemporaryFolder()
                    return try withExtendedLifetime(folder) { try benchmark.measure(in: folder.path) }
                }
                print(report.line(benchmark, measurements))
            } catch {
                print("| \(benchmark.name) | FAILED: \(error) | | | | |")
                exit(1)
            }
            fflush(nil)
        }
        exit(report.isGood ? 0 : 1)
    }
}
