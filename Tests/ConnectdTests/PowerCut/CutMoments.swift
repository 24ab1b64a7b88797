import ConnectTesting

/// Moments of a trace at which a cut is likely to find a mistake in the order of things.
struct CutMoments {
    private let count: Int
    /// Indexes of events of each kind that is there.
    private let kinds: [[Int]]
    /// How often a write-ahead log of the topics was begun.
    let logStarts: Int
    /// Pages that went to the topics' file while its log still grew: ahead of the checkpoint.
    let pagesAhead: Int

    /// Whether a run that is cut here shows anything.
    var areTelling: Bool { logStarts >= 3 && pagesAhead >= 64 }

    init(_ trace: WriteTrace) {
        count = trace.events.count
        var syncs: [Int] = [], starts: [Int] = [], firstPages: [Int] = [], ahead: [Int] = [], pages: [Int] = [], markers: [Int] = [], names: [Int] = []
        var hasNoPage: Set<String> = [], newPages: [Int] = [], exposed: [Int] = [], frames: [Int] = []
        for (index, event) in trace.events.enumerated() {
            switch event {
            case .synced(let file, let upTo):
                if trace.name(file) == "topics.db" { syncs.append(index) }
                if trace.name(file) == "topics.db-wal" { frames.removeAll { $0 < upTo } }
            case .wrote(let file, let offset, _, _):
                let name = trace.name(file)
                if name.hasSuffix("-wal") {
                    if offset == 0 {
                        starts.append(index)
                        hasNoPage.insert(String(name.dropLast(4)))
                    }
                    if name == "topics.db-wal" {
                        if offset > 0 { ahead += newPages }
                        newPages = []
                        frames.append(index)
                    }
                } else if name == "topics.marker" {
                    markers.append(index)
                } else {
                    pages.append(index)
                    if name == "topics.db" {
                        newPages.append(index)
                        // Two writes a frame: more of the log is not durable than is left alone behind its newest durable frame.
                        if frames.count > 128 { exposed.append(index) }
                    }
                    if hasNoPage.remove(name) != nil { firstPages.append(index) }
                }
            case .made, .renamed, .removed, .resized, .folderSynced: names.append(index)
            }
        }
        kinds = [syncs, starts, firstPages, ahead, exposed, pages, markers, names, Array(0..<count)].filter { !$0.isEmpty }
        logStarts = starts.count { if case .wrote(let file, _, _, _) = trace.events[$0] { trace.name(file) == "topics.db-wal" } else { false } }
        pagesAhead = ahead.count
    }

    /// A number of events that have happened, at least one.
    func draw(_ random: inout RandomNumbers) -> Int {
        let near = kinds.randomElement(using: &random)?.randomElement(using: &random) ?? 0
        return min(count, max(1, near + Int.random(in: -2...(random.oneIn(3) ? 60 : 8), using: &random)))
    }
}
