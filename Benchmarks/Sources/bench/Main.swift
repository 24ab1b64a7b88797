import ConnectTesting
import Glibc

/// Measures each path three times beside its floor and prints a table, then how long a change takes. Words name the benchmarks to run: all whose name contains one.
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
            LogAppend(inFlight: 1), LogAppend(inFlight: 8), LogAppend(inFlight: 1, floor: .sqlite), LogAppend(inFlight: 8, floor: .sqlite), ChangeTableToTopic(rows: rows), TopicToTable(rows: rows),
            PostgresToTopic(rows: rows), TopicToPostgres(rows: rows),
            TopicToHTTP(records: max(1, rows / 5), batch: 1), TopicToHTTP(records: rows, batch: 500), JSONEncode(), JSONDecode(),
        ]
        var report = Report()
        func isMeant(_ name: String) -> Bool { words.isEmpty || words.contains { name.lowercased().contains($0.lowercased()) } }
        let chosen = benchmarks.filter { isMeant($0.name) }
        if !chosen.isEmpty { print(Report.head) }
        for benchmark in chosen {
            print(report.line(benchmark, repeated(benchmark.name, runs, benchmark.measure)))
            fflush(nil)
        }
        let latency = PostgresLatency()
        if isMeant(latency.name) {
            print(Report.timingHead)
            print(report.line(latency, repeated(latency.name, runs, latency.measure)))
        }
        exit(report.isGood ? 0 : 1)
    }

    /// Measures so often, each time in a folder of its own; the program ends with the first that fails.
    private static func repeated<Result>(_ name: String, _ runs: Int, _ measure: (String) throws -> Result) -> [Result] {
        var results: [Result] = []
        do {
            for _ in 0..<runs {
                let folder = try TemporaryFolder()
                results.append(try measure(folder.path))
                withExtendedLifetime(folder) {}
            }
        } catch {
            print("| \(name) | FAILED: \(error) | | | | |")
            exit(1)
        }
        return results
    }
}
