package import ConnectRuntime

/// Statuses as settings write them: `200`, `500-599`, `500-` (to the end), `-299`.
package struct StatusSet: Sendable, Hashable {
    private let ranges: [ClosedRange<Int>]

    /// - Parameter words: other things that may stand in the list and are no statuses.
    package init(_ written: [String], besides words: [String] = []) throws(SettingError) {
        var ranges: [ClosedRange<Int>] = []
        for item in written where !item.isEmpty && !words.contains(item) {
            let ends = item.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
            let from = ends[0].isEmpty ? 100 : Int(ends[0])
            let to = ends.count == 1 ? from : ends[1].isEmpty ? 599 : Int(ends[1])
            guard ends.count <= 2, let from, let to, from <= to, from >= 100, to <= 599 else { throw SettingError("has an entry that is no status or range of statuses: \(item)") }
            ranges.append(from...to)
        }
        self.ranges = ranges
    }

    package func contains(_ status: Int) -> Bool { ranges.contains { $0.contains(status) } }
}
