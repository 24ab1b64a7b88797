import ConnectTesting
import Foundation
import Glibc

/// What a disk may hold after the power was cut at some moment of a trace.
///
/// Whatever was synced by then is there. Of what was not, a disk holds any part: of each piece of 4096 bytes what some moment since its last sync
/// left there, of names what happened up to some moment. What comes behind a change of a file's size is there only if that change is.
struct CutDisk {
    /// How much of what was not synced survived. A disk writes in an order of its own: the file's beginning alone may be there, or its end.
    enum Luck: CaseIterable { case nothing, some, beginning, end, everything }

    let trace: WriteTrace
    /// Events that had happened.
    let moment: Int
    private var random: RandomNumbers
    /// By the files' names; names of the same folder have one luck.
    private(set) var luck: [String: Luck] = [:]
    /// What happened to a file up to here is durable.
    private let durable: [WriteTrace.File: Int]
    private let durableNames: [String: Int]

    /// - Parameter luck: of files by name; of others it is random.
    init(_ trace: WriteTrace, at moment: Int, luck: [String: Luck] = [:], random: RandomNumbers) {
        self.trace = trace
        self.moment = moment
        self.luck = luck
        self.random = random
        var durable: [WriteTrace.File: Int] = [:], durableNames: [String: Int] = [:]
        for event in trace.events[..<moment] {
            switch event {
            case .synced(let file, let upTo): durable[file] = max(durable[file] ?? 0, upTo)
            case .folderSynced(let path, let upTo): durableNames[path] = max(durableNames[path] ?? 0, upTo)
            default: break
            }
        }
        self.durable = durable
        self.durableNames = durableNames
    }

    /// Of every file of a trace.
    static func everything(_ trace: WriteTrace) -> [String: Luck] {
        var luck: [String: Luck] = ["names": .everything]
        for file in trace.paths.indices { luck[trace.name(file)] = .everything }
        return luck
    }

    var description: String {
        let lucks = luck.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return "power cut after event \(moment) of \(trace.events.count) (\(trace.words(moment - 1)); next: \(trace.words(moment))); of what was not synced survived: \(lucks)"
    }

    private mutating func luck(of name: String) -> Luck {
        if let known = luck[name] { return known }
        let drawn = Luck.allCases.randomElement(using: &random) ?? .some
        luck[name] = drawn
        return drawn
    }

    /// Writes the files, into the folder they were recorded in. It must hold none of them.
    mutating func build() throws {
        for (path, file) in names() {
            try FileManager.default.createDirectory(at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try build(file, path)
        }
    }

    // MARK: names

    /// Files by their paths.
    mutating func names() -> [String: WriteTrace.File] {
        var names: [String: WriteTrace.File] = [:], stopped: Set<String> = []
        for (index, event) in trace.events[..<moment].enumerated() {
            let path: String
            switch event {
            case .made(let made, _): path = made
            case .removed(let removed): path = removed
            case .renamed(_, let to): path = to
            default: continue
            }
            let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
            if index >= durableNames[folder] ?? 0 {
                if stopped.contains(folder) { continue }
                let luck = luck(of: "names"), survived = luck == .everything || luck != .nothing && !random.oneIn(3)
                if !survived {
                    stopped.insert(folder)
                    continue
                }
            }
            switch event {
            case .made(let path, let file): names[path] = file
            case .removed(let path): names[path] = nil
            case .renamed(let from, let to):
                names[to] = names[from]
                names[from] = nil
            default: break
            }
        }
        return names
    }

    // MARK: content

    private static let pieceBytes = 4096

    private mutating func build(_ file: WriteTrace.File, _ path: String) throws {
        let happened = trace.changes[file].prefix { $0 < moment }
        let synced = happened.prefix { $0 < durable[file] ?? 0 }
        let luck = luck(of: trace.name(file))
        let capacity = trace.capacities[file]
        guard let memory = calloc(1, max(1, capacity)) else { throw TestFailure("no memory for \(path)") }
        defer { free(memory) }
        let bytes = UnsafeMutableRawBufferPointer(start: memory, count: capacity)
        var size = 0
        trace.withBytes { source in
            for index in luck == .everything ? happened : synced { apply(index, source, bytes, &size) }
            if luck != .everything, luck != .nothing { applySome(happened[synced.endIndex...], luck, source, bytes, &size) }
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TestFailure("\(path) cannot be made: \(errno)") }
        defer { close(descriptor) }
        var done = 0
        while done < size {
            let count = write(descriptor, memory + done, size - done)
            guard count > 0 else { throw TestFailure("\(path) cannot be written: \(errno)") }
            done += count
        }
    }

    private func apply(_ index: Int, _ source: UnsafeRawBufferPointer, _ bytes: UnsafeMutableRawBufferPointer, _ size: inout Int) {
        switch trace.events[index] {
        case .wrote(_, let offset, let start, let count): Self.copy(source, start, bytes, offset, count, &size)
        case .resized(_, let newSize):
            if newSize < size, let base = bytes.baseAddress { memset(base + newSize, 0, size - newSize) }
            size = newSize
        default: break
        }
    }

    private static func copy(_ source: UnsafeRawBufferPointer, _ start: Int, _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int, _ count: Int, _ size: inout Int) {
        guard let from = source.baseAddress, let to = bytes.baseAddress else { return }
        memcpy(to + offset, from + start, count)
        size = max(size, offset + count)
    }

    /// Between two changes of the size each piece gets the first few of its writes, or all, or none.
    private mutating func applySome(
        _ changes: ArraySlice<Int>, _ luck: Luck, _ source: UnsafeRawBufferPointer, _ bytes: UnsafeMutableRawBufferPointer, _ size: inout Int
    ) {
        var pending: [Int] = []
        for index in changes {
            guard case .resized = trace.events[index] else {
                pending.append(index)
                continue
            }
            applyPieces(pending, luck, source, bytes, &size)
            pending = []
            if random.oneIn(2) { return }
            apply(index, source, bytes, &size)
        }
        applyPieces(pending, luck, source, bytes, &size)
    }

    private mutating func applyPieces(
        _ writes: [Int], _ luck: Luck, _ source: UnsafeRawBufferPointer, _ bytes: UnsafeMutableRawBufferPointer, _ size: inout Int
    ) {
        /// Writes that each piece still gets.
        var left: [Int: Int] = [:]
        for index in writes { forEachPiece(index) { piece, _, _ in left[piece, default: 0] += 1 } }
        let pieces = left.keys.sorted(), border = pieces.randomElement(using: &random) ?? 0
        for piece in pieces where luck == .some { left[piece] = Int.random(in: 0...(left[piece] ?? 0), using: &random) }
        for piece in pieces where luck == .beginning && piece >= border || luck == .end && piece <= border { left[piece] = 0 }
        for index in writes {
            guard case .wrote(_, let offset, let start, _) = trace.events[index] else { continue }
            forEachPiece(index) { piece, place, count in
                guard let rest = left[piece], rest > 0 else { return }
                left[piece] = rest - 1
                Self.copy(source, start + place - offset, bytes, place, count, &size)
            }
        }
    }

    private func forEachPiece(_ index: Int, _ body: (_ piece: Int, _ place: Int, _ count: Int) -> Void) {
        guard case .wrote(_, let offset, _, let count) = trace.events[index] else { return }
        var place = offset
        while place < offset + count {
            let piece = place / Self.pieceBytes, end = min((piece + 1) * Self.pieceBytes, offset + count)
            body(piece, place, end - place)
            place = end
        }
    }
}
