import Glibc

/// Records as bytes, in one arena: what goes to a log's partition and what comes from it.
///
/// One allocation for all of them; keys, values and headers are ranges of the arena. Built by the source runner and by an engine's reader.
public struct RecordSet: Sendable {
    public private(set) var arena: ByteBuffer
    public private(set) var items: [Item]
    private(set) var headerRanges: [HeaderRange] = []

    /// One record: positions in the arena.
    public struct Item: Sendable {
        /// The offset in its partition; −1 before it was appended.
        public var offset: Int64
        /// Milliseconds since 1970; −1 when unknown.
        public var timestamp: Int64
        /// Of key and value together.
        var byteCount: Int { Int(max(0, keyCount)) + Int(max(0, valueCount)) }
        var keyStart: Int32
        /// −1: no key.
        var keyCount: Int32
        var valueStart: Int32
        /// −1: no value (a tombstone).
        var valueCount: Int32
        var headerStart: Int32
        var headerCount: Int32
    }

    struct HeaderRange: Sendable {
        var nameStart: Int32, nameCount: Int32, valueStart: Int32, valueCount: Int32
    }

    public init(capacity: Int = 0) {
        arena = ByteBuffer(capacity: capacity)
        items = []
    }

    /// Over bytes that are already there: a reader adds ranges with ``addRange(offset:timestamp:key:value:)``.
    public init(storage: [UInt8]) {
        arena = ByteBuffer(adopting: storage)
        items = []
    }

    public var count: Int { items.count }
    public var isEmpty: Bool { items.isEmpty }
    /// Bytes held: what bounds in-flight memory counts.
    public var byteCount: Int { arena.count + items.count * MemoryLayout<Item>.stride }

    public mutating func removeAll() {
        arena.removeAll()
        items.removeAll(keepingCapacity: true)
        headerRanges.removeAll(keepingCapacity: true)
    }

    /// Appends a record; each closure writes its bytes at the end of the arena and returns whether there is anything (false: null).
    /// When a closure throws, nothing of the record stays.
    public mutating func append(
        timestamp: Int64, key: (inout ByteBuffer) throws -> Bool, value: (inout ByteBuffer) throws -> Bool,
        headers: [RawHeader] = []
    ) throws {
        var headers = headers
        try append(timestamp: timestamp, headers: &headers, key: { arena, _ in try key(&arena) }, value: { arena, _ in try value(&arena) })
    }

    /// The same for closures that may add headers.
    @inline(__always)
    mutating func append(
        timestamp: Int64, headers: inout [RawHeader], key: (inout ByteBuffer, inout [RawHeader]) throws -> Bool,
        value: (inout ByteBuffer, inout [RawHeader]) throws -> Bool
    ) throws {
        let before = arena.count
        do {
            let keyStart = arena.count
            let hasKey = try key(&arena, &headers)
            if !hasKey { arena.truncate(to: keyStart) }
            let valueStart = arena.count
            let hasValue = try value(&arena, &headers)
            if !hasValue { arena.truncate(to: valueStart) }
            let end = arena.count
            guard end <= RecordSet.largest else {
                throw ConnectError(.data, code: "record.too_large", "a batch of records is larger than \(RecordSet.largest) bytes")
            }
            appendItem(
                timestamp: timestamp, keyStart: keyStart, keyCount: hasKey ? valueStart - keyStart : -1, valueStart: valueStart,
                valueCount: hasValue ? end - valueStart : -1, headers: headers)
        } catch {
            arena.truncate(to: before)
            throw error
        }
    }

    /// Appends a record from bytes.
    public mutating func append(timestamp: Int64, key: ByteSlice?, value: ByteSlice?, headers: [RawHeader] = []) {
        let keyStart = arena.count
        if let key { arena.append(key) }
        let valueStart = arena.count
        if let value { arena.append(value) }
        appendItem(
            timestamp: timestamp, keyStart: keyStart, keyCount: key == nil ? -1 : valueStart - keyStart, valueStart: valueStart,
            valueCount: value == nil ? -1 : arena.count - valueStart, headers: headers)
    }

    private mutating func appendItem(
        timestamp: Int64, keyStart: Int, keyCount: Int, valueStart: Int, valueCount: Int, headers: [RawHeader]
    ) {
        let headerStart = headerRanges.count
        headers.withUnsafeBufferPointer { headers in
            for index in headers.indices { headers.lend(index) { appendHeader($0) } }
        }
        items.append(
            Item(
                offset: -1, timestamp: timestamp, keyStart: Int32(keyStart), keyCount: Int32(keyCount),
                valueStart: Int32(valueStart), valueCount: Int32(valueCount), headerStart: Int32(headerStart),
                headerCount: Int32(headers.count)))
    }

    private mutating func appendHeader(_ header: RawHeader) {
        let nameStart = arena.count
        arena.append(text: header.name.text)
        let valueStart = arena.count
        if let value = header.value { arena.append(value) }
        headerRanges.append(
            HeaderRange(
                nameStart: Int32(nameStart), nameCount: Int32(valueStart - nameStart),
                valueStart: Int32(valueStart), valueCount: header.value == nil ? -1 : Int32(arena.count - valueStart)))
    }

    mutating func reserve(_ count: Int) { items.reserveCapacity(count) }

    /// Appends a copy of another set's record with its offset.
    package mutating func append(_ index: Int, of other: RecordSet) {
        append(timestamp: other.items[index].timestamp, key: other.key(at: index), value: other.value(at: index), headers: other.headers(at: index))
        items[items.count - 1].offset = other.items[index].offset
    }

    /// The bytes of a record, headers included, in a set whose records were all appended one after the other: they lie together.
    func span(of index: Int) -> Range<Int> {
        Int(items[index].keyStart)..<(index + 1 < items.count ? Int(items[index + 1].keyStart) : arena.count)
    }

    /// Appends a copy of a record of another set, which was built by appending. Its bytes go in one piece.
    mutating func appendSpan(of index: Int, in other: borrowing RecordSet) {
        let span = other.span(of: index)
        let shift = Int32(truncatingIfNeeded: arena.count - span.lowerBound)
        other.arena.withUnsafeBytes { arena.append(UnsafeRawBufferPointer(rebasing: $0[span])) }
        var item = other.items[index]
        item.keyStart += shift
        item.valueStart += shift
        if item.headerCount > 0 {
            let start = Int(item.headerStart)
            item.headerStart = Int32(truncatingIfNeeded: headerRanges.count)
            for place in start..<start + Int(item.headerCount) {
                var range = other.headerRanges[place]
                range.nameStart += shift
                range.valueStart += shift
                headerRanges.append(range)
            }
        } else {
            item.headerStart = Int32(truncatingIfNeeded: headerRanges.count)
        }
        items.append(item)
    }

    func hasRoom(for other: borrowing RecordSet) -> Bool { arena.count + other.arena.count <= RecordSet.largest }

    /// Appends all records of another set, in one piece.
    mutating func append(contentsOf other: borrowing RecordSet) {
        let shift = Int32(truncatingIfNeeded: arena.count), headerShift = Int32(truncatingIfNeeded: headerRanges.count)
        other.arena.withUnsafeBytes { arena.append($0) }
        for var range in other.headerRanges {
            range.nameStart += shift
            range.valueStart += shift
            headerRanges.append(range)
        }
        for var item in other.items {
            item.keyStart += shift
            item.valueStart += shift
            item.headerStart += headerShift
            items.append(item)
        }
    }

    var headerCount: Int { headerRanges.count }
    func headerCount(of index: Int) -> Int { Int(items[index].headerCount) }

    /// Adds a record whose bytes already lie in the storage; headers follow with ``addHeaderRange(name:value:)``.
    public mutating func addRange(offset: Int64, timestamp: Int64, key: Range<Int>?, value: Range<Int>?) {
        items.append(
            Item(
                offset: offset, timestamp: timestamp, keyStart: Int32(key?.lowerBound ?? 0), keyCount: Int32(key?.count ?? -1),
                valueStart: Int32(value?.lowerBound ?? 0), valueCount: Int32(value?.count ?? -1),
                headerStart: Int32(headerRanges.count), headerCount: 0))
    }

    /// Adds a header to the record added last.
    public mutating func addHeaderRange(name: Range<Int>, value: Range<Int>?) {
        guard !items.isEmpty else { return }
        headerRanges.append(
            HeaderRange(
                nameStart: Int32(name.lowerBound), nameCount: Int32(name.count), valueStart: Int32(value?.lowerBound ?? 0),
                valueCount: Int32(value?.count ?? -1)))
        items[items.count - 1].headerCount += 1
    }

    /// Leaves out the records before an offset; their bytes stay in the arena. For a reader that starts inside a batch.
    public mutating func removeRecords(before offset: Int64) { items.removeAll { $0.offset < offset } }

    public func key(at index: Int) -> ByteSlice? { slice(items[index].keyStart, items[index].keyCount) }
    public func value(at index: Int) -> ByteSlice? { slice(items[index].valueStart, items[index].valueCount) }
    public func hasHeaders(at index: Int) -> Bool { items[index].headerCount > 0 }

    public func headers(at index: Int) -> [RawHeader] {
        let item = items[index]
        return (Int(item.headerStart)..<Int(item.headerStart + item.headerCount)).map { position in
            let range = headerRanges[position]
            let name = slice(range.nameStart, range.nameCount)?.utf8Text ?? ""
            return RawHeader(Name(name), slice(range.valueStart, range.valueCount))
        }
    }

    /// Whether two records have the same headers, byte for byte: neighbours mostly do, and whoever reads them can use what it made before.
    public func haveSameHeaders(_ one: Int, _ other: Int) -> Bool {
        let first = items[one], second = items[other]
        guard first.headerCount == second.headerCount else { return false }
        return arena.withUnsafeBytes { bytes in
            func same(_ aStart: Int32, _ aCount: Int32, _ bStart: Int32, _ bCount: Int32) -> Bool {
                if aCount != bCount { return false }
                if aCount <= 0 || aStart == bStart { return true }
                // Headers are mostly few bytes of the same text: one comparison, not one per byte.
                guard let base = bytes.baseAddress else { return false }
                return memcmp(base + Int(aStart), base + Int(bStart), Int(aCount)) == 0
            }
            for index in 0..<Int(first.headerCount) {
                let a = headerRanges[Int(first.headerStart) + index], b = headerRanges[Int(second.headerStart) + index]
                guard same(a.nameStart, a.nameCount, b.nameStart, b.nameCount), same(a.valueStart, a.valueCount, b.valueStart, b.valueCount)
                else { return false }
            }
            return true
        }
    }

    private func slice(_ start: Int32, _ count: Int32) -> ByteSlice? {
        count < 0 ? nil : ByteSlice(arena.bytes, range: Int(start)..<Int(start) + Int(count))
    }

    /// No batch holds more: positions are 32 bits wide, and a log's batch must stay readable in one piece.
    public static let largest = 1 << 30
}

/// A header as bytes.
public struct RawHeader: Sendable, Hashable {
    public let name: Name
    public let value: ByteSlice?
    public init(_ name: Name, _ value: ByteSlice?) {
        self.name = name
        self.value = value
    }
}
