import ConnectTesting
import Glibc

/// Measures each path three times beside its floor and prints a table. Words name the benchmarks to run: all whose name contains one.
/// `--rows N` moves fewer rows than a million, once: for a look with a profiler, not for a figure.
@main struct Main {
    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        var rows = 1_000_000, runs = 3
        if let option = words.firstIndex(of: "--rows"), option + 1 < words.count, let number = Int(words[option + 1]), number > 0 {
            rows = number
            runs = 1
            words.removeSubrange(option...option + 1)
        }
        let benchmarks: [any Benchmark] = [
            LogAppend(inFlight: 1), LogAppend(inFlight: 8), ChangeTableToTopic(rows: rows), TopicToTable(rows: rows),
            TopicToHTTP(records: 200_000, batch: 1), TopicToHTTP(records: 1_000_000, batch: 500), JSONEncode(), JSONDecode(),
        ]
        var report = Report()
        print(Report.head)
        for benchmark in benchmarks where words.isEmpty || words.contains(where: { benchmark.name.lowercased().contains($0.lowercased()) }) {
            do {
                let measurements = try (0..<runs).map { _ in
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
