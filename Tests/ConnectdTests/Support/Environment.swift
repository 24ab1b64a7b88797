import Foundation
import Glibc

/// Where the built program is, and how thorough this run shall be.
enum Environment {
    /// The `connectd` built beside this test bundle: `.build/<configuration>/connectd`.
    static let program: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "connectd").path
    }()

    /// `make test-full`: the long versions.
    static let isFull = variables["CONNECTD_TEST_FULL"] == "1"

    /// Whether the program was built for release: how much load is fair depends on it.
    static let isOptimised: Bool = {
        #if DEBUG
            false
        #else
            true
        #endif
    }()

    /// The seed of everything random in this run; `CONNECTD_TEST_SEED` repeats a run.
    static let seed: UInt64 = variables["CONNECTD_TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...UInt64(UInt32.max))

    static let variables = ProcessInfo.processInfo.environment

    /// Seconds on a clock that never jumps.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Looks again and again until there is something to see, at most so long; `nil` when the time is over.
/// Blocks its thread: for bodies inside `onThread`.
func eventually<R>(within seconds: Double, look: () throws -> R?) rethrows -> R? {
    let deadline = Environment.now() + seconds
    while true {
        if let found = try look() { return found }
        if Environment.now() >= deadline { return nil }
        usleep(5000)
    }
}

/// A failure of the test's own machinery, or an expectation inside a thread's body.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
