import ConnectREST
import ConnectRuntime

/// Prints records page by page until the end that was there at the beginning, a number, or for ever.
struct ConsumeLoop {
    let access: any TopicAccess
    let reading: TopicReading
    let maximum: Int?
    let follows: Bool

    private static let pageRecords = 500
    /// How long one request of a follower waits for something new.
    private static let followMilliseconds = 5_000

    /// - Parameter print: takes one line; false when nobody reads any more.
    /// - Returns: how many records were printed.
    /// - Throws: what ended the reading early, after everything before it was printed.
    func run(print: ([UInt8]) -> Bool) throws -> Int {
        try access.begin(reading)
        var printed = 0
        var ends: [Int32: Int64]?
        var before: [TopicPage.Position] = []
        while true {
            let wanted = min(Self.pageRecords, maximum.map { $0 - printed } ?? Self.pageRecords)
            if wanted <= 0 { return printed }
            // The first page waits for nothing: it tells where the topic ends.
            let page = try access.page(maximumRecords: wanted, milliseconds: follows && ends != nil ? Self.followMilliseconds : 0)
            if ends == nil { ends = Dictionary(page.next.map { ($0.partition, $0.end) }) { $1 } }
            for record in page.records {
                guard print(record.serialized() + [0x0A]) else { return printed }
                printed += 1
            }
            if !page.records.isEmpty || reading.group != nil && printed == 0 { try access.commit(page.next) }
            if let error = page.error { throw error }
            if !follows, page.next.allSatisfy({ $0.offset >= ends?[$0.partition] ?? 0 }) { return printed }
            // Somewhere before the end and yet nothing came: better a clear word than a silent loop.
            if !follows, page.records.isEmpty, page.next.map(\.offset) == before.map(\.offset) {
                throw ConnectError(.fatal, code: "log.stuck", "the topic says it has more records, but gives none", suggestion: "check the worker's log")
            }
            before = page.next
        }
    }
}
