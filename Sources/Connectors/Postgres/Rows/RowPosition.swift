package import ConnectRuntime

/// Offsets of tables that are read as they are.
package enum RowPosition {
    /// Of a tail by gaps: one number, and the server it belongs to.
    package struct Fence: Sendable, Hashable {
        package let last: Int64
        package let history: ServerHistory

        package init(last: Int64, history: ServerHistory) {
            self.last = last
            self.history = history
        }

        package var offset: SourceOffset {
            SourceOffset([("v", .integer(1)), ("fence", .integer(last)), ("tl", .integer(history.timeline)), ("sys", .string(history.system))])
        }

        package init(_ offset: SourceOffset) throws {
            let members = try offset.members()
            guard let last = members["fence"]?.int64, let timeline = members["tl"]?.int64, let system = members["sys"]?.text else {
                throw RowPosition.other(offset, "mode=fence")
            }
            self.init(last: last, history: ServerHistory(system: system, timeline: timeline))
        }
    }

    /// Of the JDBC source's modes, in its own form.
    package struct Keyset: Sendable, Hashable {
        package var incrementing: Int64?
        /// Microseconds since 1970.
        package var microseconds: Int64?

        package init(incrementing: Int64? = nil, microseconds: Int64? = nil) {
            self.incrementing = incrementing
            self.microseconds = microseconds
        }

        package var offset: SourceOffset {
            var members: [(Name, JSON)] = []
            if let incrementing { members.append(("incrementing", .integer(incrementing))) }
            if let microseconds {
                let milliseconds = Keyset.floor(microseconds, 1000), seconds = Keyset.floor(microseconds, 1_000_000)
                members.append(("timestamp", .integer(milliseconds)))
                members.append(("timestamp_nanos", .integer((microseconds - seconds * 1_000_000) * 1000)))
            }
            return SourceOffset(members)
        }

        /// - Throws: ``ConnectError`` when the stored offset is none of the JDBC source's.
        package init(_ offset: SourceOffset) throws {
            let members = try offset.members()
            incrementing = members["incrementing"]?.int64
            if let milliseconds = members["timestamp"]?.int64 {
                let nanoseconds = members["timestamp_nanos"]?.int64
                let (whole, overflow) = Keyset.floor(milliseconds, 1000).multipliedReportingOverflow(by: 1_000_000)
                let part = nanoseconds.map { $0 / 1000 } ?? (milliseconds - Keyset.floor(milliseconds, 1000) * 1000) * 1000
                let (sum, overflowToo) = whole.addingReportingOverflow(part)
                if overflow || overflowToo { throw RowPosition.other(offset, "a JDBC source's mode") }
                microseconds = sum
            }
            if incrementing == nil, microseconds == nil { throw RowPosition.other(offset, "a JDBC source's mode") }
        }

        private static func floor(_ value: Int64, _ unit: Int64) -> Int64 { value >= 0 ? value / unit : -((-(value + 1)) / unit) - 1 }
    }

    package static func other(_ offset: SourceOffset, _ mode: String) -> ConnectError {
        ConnectError(
            .fatal, code: "postgres.source.other_mode",
            "the stored source offset \(String(decoding: offset.json, as: UTF8.self)) was not written by \(mode): the connector ran in another mode before",
            suggestion: "go back to that mode, or stop the connector and reset its offsets: then rows that are there are delivered again")
    }
}
