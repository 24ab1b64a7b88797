/// Writes records as record batches in Kafka's format, version 2, uncompressed.
public enum BatchEncoder {
    /// Encodes some of `records` (all by default), which get consecutive offsets from the base offset on.
    ///
    /// The base offset and the leader epoch may be filled in later with ``BatchHeader/place(_:baseOffset:leaderEpoch:)``.
    public static func encode(
        _ records: RecordSet, range: Range<Int>? = nil, baseOffset: Int64 = 0, leaderEpoch: Int32 = -1,
        producer: BatchProducer = .none, isTransactional: Bool = false
    ) -> [UInt8] {
        let range = range ?? 0..<records.count
        var maximum: Int64 = -1
        for index in range { maximum = max(maximum, records.items[index].timestamp) }
        let frame = Frame(
            baseOffset: baseOffset, leaderEpoch: leaderEpoch, attributes: isTransactional ? 16 : 0,
            lastOffsetDelta: Int32(clamping: max(0, range.count - 1)), baseTimestamp: range.isEmpty ? -1 : records.items[range.lowerBound].timestamp,
            maximumTimestamp: maximum, producer: producer)
        return write(records, range, frame) { Int64($0 - range.lowerBound) }
    }

    /// Encodes records that have offsets already, with gaps perhaps, as the batch of a range of offsets: what compaction leaves of it,
    /// even when that is nothing.
    public static func encode(_ records: RecordSet, covering offsets: ClosedRange<Int64>, leaderEpoch: Int32) -> [UInt8] {
        let frame = Frame(
            baseOffset: offsets.lowerBound, leaderEpoch: leaderEpoch, attributes: 0,
            lastOffsetDelta: Int32(clamping: offsets.upperBound &- offsets.lowerBound), baseTimestamp: records.items.first?.timestamp ?? -1,
            maximumTimestamp: records.items.reduce(-1) { max($0, $1.timestamp) }, producer: .none)
        return write(records, 0..<records.count, frame) { records.items[$0].offset &- offsets.lowerBound }
    }

    /// Ranges of consecutive records whose batches stay within `maximumBytes`; a record larger than that stands alone.
    public static func split(_ records: RecordSet, maximumBytes: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0, bytes = BatchHeader.byteCount
        for index in 0..<records.count {
            // An upper bound: the variable parts of a record never need more.
            let size = records.payloadBytes(at: index) + 40 + records.headerCount(at: index) * 10
            if index > start, bytes + size > maximumBytes {
                ranges.append(start..<index)
                start = index
                bytes = BatchHeader.byteCount
            }
            bytes += size
        }
        if start < records.count { ranges.append(start..<records.count) }
        return ranges
    }

    private struct Frame {
        var baseOffset: Int64, leaderEpoch: Int32, attributes: Int16, lastOffsetDelta: Int32
        var baseTimestamp: Int64, maximumTimestamp: Int64, producer: BatchProducer
    }

    /// Two passes: the sizes first, then the bytes into one allocation of exactly that size.
    private static func write(
        _ records: RecordSet, _ indexes: some Collection<Int>, _ frame: Frame, offsetDelta: (Int) -> Int64
    ) -> [UInt8] {
        var bodies: [Int] = []
        bodies.reserveCapacity(indexes.count)
        var total = BatchHeader.byteCount
        for index in indexes {
            let body = records.bodySize(at: index, timestampDelta: records.items[index].timestamp &- frame.baseTimestamp, offsetDelta: offsetDelta(index))
            bodies.append(body)
            total += Varint.size(Int64(body)) + body
        }
        return [UInt8](unsafeUninitializedCapacity: total) { buffer, initialized in
            guard let base = buffer.baseAddress else { return }
            var cursor = ByteCursor(UnsafeMutableRawPointer(base))
            cursor.put(frame.baseOffset)
            cursor.put(Int32(truncatingIfNeeded: total - 12))
            cursor.put(frame.leaderEpoch)
            cursor.put(UInt8(2))
            cursor.put(UInt32(0))
            cursor.put(frame.attributes)
            cursor.put(frame.lastOffsetDelta)
            cursor.put(frame.baseTimestamp)
            cursor.put(frame.maximumTimestamp)
            cursor.put(frame.producer.id)
            cursor.put(frame.producer.epoch)
            cursor.put(frame.producer.baseSequence)
            cursor.put(Int32(truncatingIfNeeded: bodies.count))
            records.arena.withUnsafeBytes { arena in
                var position = 0
                for index in indexes {
                    cursor.put(varint: Int64(bodies[position]))
                    records.putBody(
                        at: index, timestampDelta: records.items[index].timestamp &- frame.baseTimestamp, offsetDelta: offsetDelta(index),
                        arena: arena, into: &cursor)
                    position += 1
                }
            }
            let whole = UnsafeRawBufferPointer(start: base, count: total)
            let checksum = CRC32C.of(UnsafeRawBufferPointer(rebasing: whole[BatchHeader.attributesAt...]))
            UnsafeMutableRawPointer(base).storeBytes(of: checksum.bigEndian, toByteOffset: BatchHeader.checksumAt, as: UInt32.self)
            initialized = total
        }
    }
}

extension RecordSet {
    func headerCount(at index: Int) -> Int { Int(items[index].headerCount) }

    /// Key, value and header bytes of a record.
    func payloadBytes(at index: Int) -> Int {
        let item = items[index]
        var size = max(0, Int(item.keyCount)) + max(0, Int(item.valueCount))
        for header in headerRanges[Int(item.headerStart)..<Int(item.headerStart) + Int(item.headerCount)] {
            size += Int(header.nameCount) + max(0, Int(header.valueCount))
        }
        return size
    }

    /// Bytes of a record in a batch, without its leading length.
    fileprivate func bodySize(at index: Int, timestampDelta: Int64, offsetDelta: Int64) -> Int {
        let item = items[index]
        var size = 1 + Varint.size(timestampDelta) + Varint.size(offsetDelta)
        size += Varint.size(Int64(item.keyCount)) + max(0, Int(item.keyCount))
        size += Varint.size(Int64(item.valueCount)) + max(0, Int(item.valueCount))
        size += Varint.size(Int64(item.headerCount))
        if item.headerCount > 0 {
            for header in headerRanges[Int(item.headerStart)..<Int(item.headerStart) + Int(item.headerCount)] {
                size += Varint.size(Int64(header.nameCount)) + Int(header.nameCount)
                size += Varint.size(Int64(header.valueCount)) + max(0, Int(header.valueCount))
            }
        }
        return size
    }

    fileprivate func putBody(
        at index: Int, timestampDelta: Int64, offsetDelta: Int64, arena: UnsafeRawBufferPointer, into cursor: inout ByteCursor
    ) {
        let item = items[index]
        cursor.put(UInt8(0))
        cursor.put(varint: timestampDelta)
        cursor.put(varint: offsetDelta)
        cursor.put(range: item.keyStart, item.keyCount, of: arena)
        cursor.put(range: item.valueStart, item.valueCount, of: arena)
        cursor.put(varint: Int64(item.headerCount))
        if item.headerCount > 0 {
            for header in headerRanges[Int(item.headerStart)..<Int(item.headerStart) + Int(item.headerCount)] {
                cursor.put(range: header.nameStart, header.nameCount, of: arena)
                cursor.put(range: header.valueStart, header.valueCount, of: arena)
            }
        }
    }
}

/// Zigzag variable-length integers, as Kafka's records use them.
enum Varint {
    @inline(__always) static func size(_ value: Int64) -> Int {
        let zigzag = UInt64(bitPattern: value << 1 ^ value >> 63)
        return zigzag == 0 ? 1 : (70 - zigzag.leadingZeroBitCount) / 7
    }
}

/// Writes into memory whose size was computed before; it goes forward only.
struct ByteCursor {
    private var at: UnsafeMutableRawPointer
    init(_ start: UnsafeMutableRawPointer) { at = start }

    @inline(__always) mutating func put<T: FixedWidthInteger>(_ value: T) {
        at.storeBytes(of: value.bigEndian, as: T.self)
        at += MemoryLayout<T>.size
    }

    @inline(__always) mutating func put(varint value: Int64) {
        var zigzag = UInt64(bitPattern: value << 1 ^ value >> 63)
        while zigzag > 0x7F {
            at.storeBytes(of: UInt8(truncatingIfNeeded: zigzag | 0x80), as: UInt8.self)
            at += 1
            zigzag >>= 7
        }
        at.storeBytes(of: UInt8(truncatingIfNeeded: zigzag), as: UInt8.self)
        at += 1
    }

    /// A length and its bytes; −1 stands for null.
    @inline(__always) mutating func put(range start: Int32, _ count: Int32, of arena: UnsafeRawBufferPointer) {
        put(varint: Int64(count))
        guard count > 0, let base = arena.baseAddress else { return }
        at.copyMemory(from: base + Int(start), byteCount: Int(count))
        at += Int(count)
    }
}
