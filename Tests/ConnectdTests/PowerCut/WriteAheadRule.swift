import Glibc

/// What the order of writes and syncs in a trace has to be for any cut to do no harm, looked at everywhere, where cuts are only tried here and there.
///
/// A page is written to a database file only when the write-ahead log's frame that it comes from is durable, and the log is written again from its start,
/// or cut, only when all pages that were written are: <https://www.sqlite.org/walformat.html>, chapter 2.3.
struct WriteAheadRule {
    /// One database and its log.
    private struct Pair {
        /// Frames of the log since it was begun, by page: indexes of the events that wrote the pages.
        var frames: [UInt32: [Int]] = [:]
        var page: UInt32 = 0
        var hasLog = false
        /// What happened to each file up to here is durable.
        var logDurable = 0, pagesDurable = 0
        var lastPage = -1
        mutating func startAnew() { frames = [:] }
    }

    /// - Throws: ``TestFailure`` that names the first event that breaks it.
    static func check(_ trace: WriteTrace) throws {
        var pairs: [String: Pair] = [:]
        try trace.withBytes { bytes in
            for (index, event) in trace.events.enumerated() {
                switch event {
                case .wrote(let file, _, _, _), .resized(let file, _), .synced(let file, _):
                    let name = trace.name(file), isLog = name.hasSuffix("-wal"), database = isLog ? String(name.dropLast(4)) : name
                    do { try apply(event, isLog, bytes, index, trace, &pairs[database, default: Pair()]) } catch {
                        throw TestFailure("event \(index) of \(trace.events.count), \(trace.words(index)): \(error)")
                    }
                default: break
                }
            }
        }
    }

    private static func apply(
        _ event: WriteTrace.Change, _ isLog: Bool, _ bytes: UnsafeRawBufferPointer, _ index: Int, _ trace: WriteTrace, _ pair: inout Pair
    ) throws {
        switch event {
        case .synced(_, let upTo): if isLog { pair.logDurable = max(pair.logDurable, upTo) } else { pair.pagesDurable = max(pair.pagesDurable, upTo) }
        case .resized where isLog, .wrote(_, offset: 0, _, _) where isLog:
            if pair.lastPage >= pair.pagesDurable { throw TestFailure("the page of event \(pair.lastPage) is not durable yet") }
            pair.hasLog = true
            pair.startAnew()
        case .wrote(_, _, let start, let count) where isLog && count == 24:
            pair.page = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
        case .wrote where isLog: pair.frames[pair.page, default: []].append(index)
        case .wrote(_, let offset, let start, let count) where pair.hasLog:
            pair.lastPage = index
            let frames = pair.frames[UInt32(offset / count + 1)] ?? []
            let same = frames.filter { frame in
                guard case .wrote(_, _, let its, count) = trace.events[frame], let base = bytes.baseAddress else { return false }
                return memcmp(base + its, base + start, count) == 0
            }
            if same.isEmpty { throw TestFailure("the log has no frame of page \(offset / count + 1) with this content") }
            if same.allSatisfy({ $0 >= pair.logDurable }) { throw TestFailure("the frame of event \(same[0]) that it comes from is not durable yet") }
        default: break
        }
    }
}
