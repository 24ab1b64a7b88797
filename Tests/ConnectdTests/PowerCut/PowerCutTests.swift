import ConnectTesting
import Foundation
import Glibc
import SQLite
import Testing

/// Whenever the power is cut, and whatever of the writes that were not synced the disk kept: nothing acknowledged is lost, nothing comes twice (P5, P6).
///
/// A worker runs under a recorder of its writes and syncs, is killed on its way and runs again to a clean stop. Then the disk is rebuilt as it may
/// have been at many moments of that.
@Suite(.serialized) struct PowerCutTests {
    @Test func nothingIsLostOrDoubledByAPowerCut() async throws {
        let seed = Environment.seed
        try await onThread {
            do {
                var cuts = try PowerCuts(seed: seed)
                try cuts.run(checks: Environment.isFull ? 400 : 40, restarts: Environment.isFull ? 60 : 6)
            } catch {
                throw TestFailure("\(error)\n(CONNECTD_TEST_SEED=\(seed) repeats the random choices)")
            }
        }
    }
}

/// One recorded run, and cuts of it.
private struct PowerCuts {
    /// Small commits, so that there are many; now and then rows as long as pages, so that one commit brings more pages than the log's copier leaves alone
    /// behind the last durable one.
    private static let filling = "CASE WHEN i % 1500 BETWEEN 700 AND 740 THEN 160000 ELSE i * 7919 % 2500 END"
    private static let batchRows = 8
    /// Rows at the beginning; those that are added until the run is long enough to show something; how often at most.
    private static let rows = 3000, moreRows = 1000, rounds = 20
    /// Size of the trace at which the first worker kills itself: before it could have all of those rows.
    private static let killedAt = 32 << 20

    private let pipe: JournalPipe
    private let recorder: WriteRecorder
    private var random: RandomNumbers
    private var rows = Self.rows

    init(seed: UInt64) throws {
        random = RandomNumbers(seed: seed)
        pipe = try JournalPipe(rows: Self.rows, filling: Self.filling, source: ["batch.max.rows": "\(Self.batchRows)"])
        recorder = try WriteRecorder(folder: pipe.disk, trace: pipe.folder.file("trace"), compiledIn: pipe.folder.path)
    }

    mutating func run(checks: Int, restarts: Int) throws {
        let (trace, moments) = try record()
        try mustBeTheDisk(trace)
        try WriteAheadRule.check(trace)
        let whole = try content()
        guard whole.numbers == Array(1...rows) else { throw TestFailure("\(whole.end) records in the topic of \(rows) rows, or not in their order") }
        for _ in 0..<checks {
            // The marker's page may have reached the disk whenever it was written: nothing that it tells of may be missing.
            var disk = CutDisk(trace, at: moments.draw(&random), luck: ["topics.marker": .everything], random: random.fork())
            try rebuild(&disk)
            do { try check(against: whole) } catch { throw TestFailure("\(disk.description):\n\(error)") }
        }
        for number in 1...restarts {
            var disk = CutDisk(trace, at: moments.draw(&random), random: random.fork())
            try rebuild(&disk)
            do { try restart("cut-\(number)") } catch { throw TestFailure("\(disk.description):\n\(error)") }
        }
    }

    // MARK: the recorded run

    private mutating func record() throws -> (WriteTrace, CutMoments) {
        // One that ends in the middle of a write: what it has not synced is in the kernel's hands, for the next one to find.
        let killed = try pipe.start("killed", variables: recorder.variables(slow: "topics.db-wal", killedAt: Self.killedAt))
        guard let ending = killed.process.wait(seconds: 120) else { throw TestFailure("the first worker did not come to \(Self.killedAt) bytes of trace") }
        guard ending == .signal(SIGKILL) else { throw TestFailure("the first worker ended with \(ending): \(killed.process.errors.suffix(3000))") }
        try mustBeTheDisk(try WriteTrace(recorder.trace))

        let worker = try pipe.start("whole", variables: recorder.variables(slow: "topics.db-wal"))
        for _ in 0..<Self.rounds {
            try pipe.waitUntilCopied(worker, within: 120)
            if try CutMoments(WriteTrace(recorder.trace, isGrowing: true)).areTelling { break }
            try pipe.add(rows: Self.moreRows)
            rows += Self.moreRows
        }
        try worker.stop()
        let trace = try WriteTrace(recorder.trace), moments = CutMoments(trace)
        if !moments.areTelling {
            throw TestFailure("the run is too short to show anything: the log was begun \(moments.logStarts) times, \(moments.pagesAhead) pages copied ahead")
        }
        return (trace, moments)
    }

    /// The recorder missed nothing: the files are what the trace makes of them.
    private func mustBeTheDisk(_ trace: WriteTrace) throws {
        let kept = pipe.folder.file("kept")
        guard rename(pipe.disk, kept) == 0 else { throw TestFailure("\(pipe.disk) cannot be renamed: \(errno)") }
        var disk = CutDisk(trace, at: trace.events.count, luck: CutDisk.everything(trace), random: random)
        try disk.build()
        let found = try Self.files(kept), built = try Self.files(pipe.disk)
        guard Set(found) == Set(built) else { throw TestFailure("files \(found) where the trace has \(built)") }
        for name in found where !FileManager.default.contentsEqual(atPath: "\(kept)/\(name)", andPath: "\(pipe.disk)/\(name)") {
            throw TestFailure("\(name) is not what the trace made of it")
        }
        try FileManager.default.removeItem(atPath: pipe.disk)
        guard rename(kept, pipe.disk) == 0 else { throw TestFailure("\(kept) cannot be renamed: \(errno)") }
    }

    private static func files(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder) && !isFolder.boolValue && !name.hasSuffix("-shm")
        }
    }

    // MARK: after a cut

    private func rebuild(_ disk: inout CutDisk) throws {
        try FileManager.default.removeItem(atPath: pipe.disk)
        try FileManager.default.createDirectory(atPath: pipe.data, withIntermediateDirectories: true)
        try disk.build()
    }

    private func content() throws -> TopicContent { try TopicContent(data: pipe.data, topic: "shop.journal", source: "journal", sink: "copy") }

    private func check(against whole: TopicContent) throws {
        let copy = try CopyContent(pipe.copyFile), found = try content()
        try found.mustBePrefix(of: whole)
        guard found.sourceNumber == found.end else { throw TestFailure("the topic ends at \(found.end), but its source is said to be read up to row \(found.sourceNumber)") }
        guard copy.rows == copy.position, copy.lastNumber == copy.position else {
            throw TestFailure("the copy is at offset \(copy.position), but has \(copy.rows) rows, the last with number \(copy.lastNumber)")
        }
        guard found.groupOffset <= copy.position, copy.position <= found.end else {
            throw TestFailure("the topic ends at \(found.end), the copy is at \(copy.position), the sink's group at \(found.groupOffset)")
        }
        let database = try Database(path: "\(pipe.data)/topics.db", mode: .readOnly)
        defer { database.close() }
        try database.mustBeWhole()
    }

    private func restart(_ name: String) throws {
        let worker = try pipe.start(name)
        try pipe.waitUntilCopied(worker, within: 120)
        try worker.stop()
        let numbers = try content().numbers
        guard numbers == Array(1...rows) else {
            let wrong = numbers.enumerated().first { $0.element != $0.offset + 1 }
            throw TestFailure("\(numbers.count) records of \(rows) rows; the first that is not its row's: \(wrong.map { "\($0.element) at offset \($0.offset)" } ?? "none")")
        }
    }
}
