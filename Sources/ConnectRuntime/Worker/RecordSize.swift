/// How much room a record takes in a transaction of the log, and the words for one that finds none.
struct RecordSize {
    /// An upper bound: the record's own bytes, and what a batch adds to them.
    let bytes: Int

    /// One part in so many of a transaction is kept free for offsets, schemas, and the headers that a dead letter gets.
    static let reserve = 32

    init(key: Int, value: Int, headers: [RawHeader]) {
        var bytes = key + value + Self.overhead
        for header in headers { bytes += header.name.text.utf8.count + (header.value?.count ?? 0) + Self.headerOverhead }
        self.bytes = bytes
    }

    /// Of a record that is written already.
    init(_ index: Int, of set: borrowing RecordSet) {
        bytes = set.span(of: index).count + Self.overhead + set.headerCount(of: index) * Self.headerOverhead
    }

    /// Of all records of a set that was built by appending.
    init(all set: borrowing RecordSet) {
        bytes = set.arena.count + set.count * Self.overhead + set.headerCount * Self.headerOverhead
    }

    /// More than a record set and a batch add to a record, and to each of its headers.
    private static let overhead = 96
    private static let headerOverhead = 26

    func tooLarge(topic: Name, key: String?, limit: Int) -> ConnectError {
        ConnectError(
            .data, code: "record.too_large", words(topic: topic, key: key, limit: limit),
            suggestion: "keep such content elsewhere and its address in the record, or raise the worker's log.transaction.max.bytes; errors.tolerance=all passes over such records")
    }

    func words(topic: Name, key: String?, limit: Int) -> String {
        "a record for topic \(topic)\(Self.words(key)) has \(bytes) bytes; the log takes records of at most \(limit)"
    }

    static func groupTooLarge(topic: Name, key: String?, records: Int, bytes: Int, limit: Int, isConnectors: Bool) -> ConnectError {
        ConnectError(
            .fatal, code: "transaction.too_large",
            "\(records) records that become durable together, the last one for topic \(topic)\(words(key)), have \(bytes) bytes; a transaction of the log holds at most \(limit)",
            suggestion: isConnectors
                ? "raise the worker's log.transaction.max.bytes, or use transaction.boundary=poll"
                : "let the connector read less at once (batch.max.rows), or raise the worker's log.transaction.max.bytes")
    }

    /// A key's first bytes as text: enough to find the row by.
    static func shown(_ key: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: key.prefix(mostShown), as: UTF8.self)
        return key.count > mostShown ? text + "…" : text
    }

    private static let mostShown = 200
    private static func words(_ key: String?) -> String { key.map { " with key \($0)" } ?? "" }
}
