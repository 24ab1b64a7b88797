import ConnectTesting
import Foundation
import Glibc
import SQLite
import Testing

/// How a worker ends, and who may work on a data folder.
@Suite(.serialized) struct StopTests {
    /// SIGTERM and SIGINT while records flow: exit code 0, and what was on the way is there after the next start.
    @Test func stopsCleanlyUnderLoad() async throws {
        try await onThread {
            let rows = Environment.isOptimised ? 20_000 : 2000
            let pipe = try JournalPipe(rows: rows)
            for round in 0..<4 {
                try pipe.add(rows: rows)
                let worker = try pipe.start("worker-\(round)")
                try worker.waitUntilReady()
                worker.process.send(round % 2 == 0 ? SIGTERM : SIGINT)
                #expect(worker.process.wait(seconds: 30) == .exit(0), "round \(round): \(worker.process.errors.suffix(2000))")
            }
            let worker = try pipe.start("worker-last")
            try pipe.waitUntilCopied(worker, within: 60)
            try worker.stop()
        }
    }

    /// The folder of a worker that lives, if only in a coma, belongs to it alone: a second one and the command line are told so.
    @Test func refusesTheDataFolderOfAnotherWorker() async throws {
        try await onThread {
            let pipe = try JournalPipe(rows: 10)
            let worker = try pipe.start("first")
            try pipe.waitUntilCopied(worker, within: 30)
            worker.process.send(SIGSTOP)
            defer { worker.process.send(SIGCONT) }

            let second = try ChildProcess.run(
                ["standalone", pipe.configuration, "--data-dir", pipe.data, "--listen", "127.0.0.1:\(try Worker.freePort())"], in: pipe.folder.path, name: "second")
            #expect(second.ending == .exit(3))
            #expect(second.errors.contains(pipe.data))
            #expect(second.errors.contains("-> "), "the next step is named")
            let reading = try ChildProcess.run(["topics", "list", "--data-dir", pipe.data], in: pipe.folder.path)
            #expect(reading.ending == .exit(3))
            #expect(reading.output.isEmpty)

            worker.process.send(SIGCONT)
            try pipe.add(rows: 10)
            try pipe.waitUntilCopied(worker, within: 30)
            try worker.stop()
        }
    }
}

/// Memory is bounded by settings, not by the backlog (P7).
@Suite(.serialized) struct MemoryTests {
    @Test func memoryIsFlatAsTheBacklogGrows() async throws {
        try await onThread {
            // A build without optimisation shows the same with fewer.
            let many = Environment.isOptimised ? 1_000_000 : 50_000
            let small = try Self.peak(rows: 10_000), large = try Self.peak(rows: many)
            #expect(large - small <= 40 * 1024, "\(small) KiB at most with a backlog of 10,000 records, \(large) KiB with \(many)")
        }
    }

    /// The most memory a worker held while it moved so many rows from one file to another, in KiB.
    private static func peak(rows: Int) throws -> Int {
        let pipe = try JournalPipe(rows: rows)
        let worker = try pipe.start("worker-\(rows)")
        try pipe.waitUntilCopied(worker, within: 300)
        guard let peak = worker.process.memory("VmHWM") else { throw TestFailure("no memory figure") }
        try worker.stop()
        return peak
    }
}
