import Foundation

/// What a ``WriteRecorder`` wrote: every change to the files of a folder, in order, and what was made durable when.
final class WriteTrace {
    /// Files by the order in which they were made: a number of an inode can be a later file's again.
    typealias File = Int

    enum Change {
        case made(String, File)
        case renamed(String, to: String)
        case removed(String)
        /// Bytes at an offset; the bytes stand in the trace at `start`.
        case wrote(File, offset: Int, start: Int, count: Int)
        case resized(File, size: Int)
        /// The file's events among the first `upTo` of the trace are durable from here on.
        case synced(File, upTo: Int)
        /// What happened to names in a folder among the first `upTo` events is durable from here on.
        case folderSynced(String, upTo: Int)
    }

    private(set) var events: [Change] = []
    /// The last path of each file.
    private(set) var paths: [String] = []
    /// Indexes of the events that change a file's content.
    private(set) var changes: [[Int]] = []
    /// The largest size each file ever had.
    private(set) var capacities: [Int] = []
    private let content: Data

    /// - Parameter isGrowing: the program still runs, the last event may be half there.
    /// - Throws: where the trace is torn, or tells of something that cannot be rebuilt.
    init(_ path: String, isGrowing: Bool = false) throws {
        content = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
        var position = 0, starts: [Int] = [], inodes: [UInt64: File] = [:]
        let size = content.count
        try content.withUnsafeBytes { bytes in
            while position < size {
                let start = position + 32
                let head = start > size ? [] : (0..<4).map { bytes.loadUnaligned(fromByteOffset: position + 8 * $0, as: UInt64.self) }
                guard let count = head.last.map(Int.init), start + count <= size else {
                    if isGrowing { return }
                    throw TestFailure("the trace ends within an event")
                }
                let number = Int(head[2])
                starts.append(position)
                let text = { String(decoding: bytes[start..<start + count], as: UTF8.self) }
                let known = { () throws -> File in
                    guard let file = inodes[head[1]] else { throw TestFailure("a file changes that nobody made: event \(starts.count), inode \(head[1])") }
                    return file
                }
                // A sync covers what was in the trace when it began.
                let covered = { () -> Int in Self.index(of: number, in: starts) }
                switch UInt8(head[0]) {
                case UInt8(ascii: "C"):
                    inodes[head[1]] = paths.count
                    events.append(.made(text(), paths.count))
                    paths.append(text())
                    changes.append([])
                    capacities.append(0)
                case UInt8(ascii: "R"):
                    let names = text().split(separator: "\0").map(String.init)
                    guard names.count == 2 else { throw TestFailure("a trace without names") }
                    paths[try known()] = names[1]
                    events.append(.renamed(names[0], to: names[1]))
                case UInt8(ascii: "U"): events.append(.removed(text()))
                case UInt8(ascii: "W"):
                    let file = try known()
                    changes[file].append(events.count)
                    capacities[file] = max(capacities[file], number + count)
                    events.append(.wrote(file, offset: number, start: start, count: count))
                case UInt8(ascii: "T"):
                    let file = try known()
                    changes[file].append(events.count)
                    capacities[file] = max(capacities[file], number)
                    events.append(.resized(file, size: number))
                case UInt8(ascii: "S"): events.append(.synced(try known(), upTo: covered()))
                case UInt8(ascii: "D"): events.append(.folderSynced(text(), upTo: covered()))
                default: throw TestFailure("the program did what cannot be rebuilt: \(text())")
                }
                position = start + count
            }
        }
    }

    /// How many events start before a position.
    private static func index(of position: Int, in starts: [Int]) -> Int {
        var low = 0, high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try content.withUnsafeBytes(body) }

    func name(_ file: File) -> String { paths[file].split(separator: "/").last.map(String.init) ?? "" }

    /// An event in words, for messages.
    func words(_ index: Int) -> String {
        guard events.indices.contains(index) else { return "the end" }
        return switch events[index] {
        case .made(let path, _): "\(path) is made"
        case .renamed(let from, let to): "\(from) is renamed \(to)"
        case .removed(let path): "\(path) is removed"
        case .wrote(let file, let offset, _, let count): "\(count) bytes at \(offset) of \(name(file))"
        case .resized(let file, let size): "\(name(file)) gets \(size) bytes"
        case .synced(let file, let upTo): "\(name(file)) is synced up to event \(upTo)"
        case .folderSynced(let path, let upTo): "\(path) is synced up to event \(upTo)"
        }
    }
}
