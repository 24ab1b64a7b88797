/// Reads record batches in Kafka's format, version 2. Trusts nothing: any bytes give either the records or an error.
public enum BatchDecoder {
    /// Checks a batch that fills `bytes` exactly and finds its records, without copying them: the record set's arena is `bytes`.
    ///
    /// A batch of transaction markers gives no records.
    /// - Parameter verifyingChecksum: false only where the checksum was compared already.
    public static func decode(_ bytes: [UInt8], verifyingChecksum: Bool = true) throws(BatchError) -> (header: BatchHeader, records: RecordSet) {
        var records = RecordSet(storage: bytes)
        let header = try bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(BatchError) -> BatchHeader in
            let raw = UnsafeRawBufferPointer(buffer)
            let header = try BatchHeader(raw)
            guard raw.count <= RecordSet.largest else { throw BatchError(.unsupported, "a record batch of \(raw.count) bytes is too large") }
            if verifyingChecksum {
                let found = CRC32C.of(UnsafeRawBufferPointer(rebasing: raw[BatchHeader.attributesAt...]))
                guard found == header.checksum else { throw BatchError(.damaged, "the checksum of a record batch is wrong") }
            }
            guard header.compression == 0 else {
                throw BatchError(.unsupported, "a record batch is compressed (\(compressionName(header.compression))), which this log does not read")
            }
            if !header.isControl { try read(raw, header, into: &records) }
            return header
        }
        return (header, records)
    }

    private static func read(_ raw: UnsafeRawBufferPointer, _ header: BatchHeader, into records: inout RecordSet) throws(BatchError) {
        var reader = BatchReader(raw, from: BatchHeader.byteCount)
        // Seven bytes are the smallest record: a claim of more records than fit is refused before memory is set aside for them.
        guard Int(header.recordCount) <= (raw.count - BatchHeader.byteCount) / 7 else {
            throw BatchError(.damaged, "a record batch of \(raw.count) bytes claims \(header.recordCount) records")
        }
        records.reserve(Int(header.recordCount))
        var lastDelta: Int64 = -1
        for _ in 0..<header.recordCount {
            let length = try reader.length()
            guard let end = reader.end(of: length) else { throw reader.damaged() }
            _ = try reader.byte()
            let timestampDelta = try reader.varint()
            let offsetDelta = try reader.varint()
            guard offsetDelta > lastDelta, offsetDelta <= Int64(header.lastOffsetDelta) else { throw reader.damaged() }
            lastDelta = offsetDelta
            let key = try reader.bytes(), value = try reader.bytes()
            records.addRange(
                offset: header.baseOffset &+ offsetDelta,
                timestamp: header.isAppendTime ? header.maximumTimestamp : header.baseTimestamp &+ timestampDelta, key: key, value: value)
            let headers = try reader.varint()
            guard headers >= 0, headers <= Int64(raw.count) else { throw reader.damaged() }
            var left = headers
            while left > 0 {
                guard let name = try reader.bytes() else { throw reader.damaged() }
                records.addHeaderRange(name: name, value: try reader.bytes())
                left -= 1
            }
            guard reader.position == end else { throw reader.damaged() }
        }
        guard reader.position == raw.count else { throw reader.damaged() }
    }

    private static func compressionName(_ code: Int) -> String {
        switch code {
        case 1: "gzip"
        case 2: "snappy"
        case 3: "lz4"
        case 4: "zstd"
        default: "kind \(code)"
        }
    }
}

/// Walks over a batch's bytes with every step checked.
private struct BatchReader {
    private let raw: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ raw: UnsafeRawBufferPointer, from position: Int) {
        self.raw = raw
        self.position = position
    }

    func damaged() -> BatchError { BatchError(.damaged, "a record is malformed near byte \(position) of its batch") }

    @inline(__always) mutating func byte() throws(BatchError) -> UInt8 {
        guard position < raw.count else { throw damaged() }
        defer { position += 1 }
        return raw[position]
    }

    @inline(__always) mutating func varint() throws(BatchError) -> Int64 {
        var value: UInt64 = 0, shift: UInt64 = 0
        while true {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { break }
            shift += 7
            if shift > 63 { throw damaged() }
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inline(__always) mutating func length() throws(BatchError) -> Int {
        let length = try varint()
        guard length >= 0, length <= Int64(raw.count) else { throw damaged() }
        return Int(length)
    }

    func end(of length: Int) -> Int? { length <= raw.count - position ? position + length : nil }

    /// A length and so many bytes; a negative length is null.
    @inline(__always) mutating func bytes() throws(BatchError) -> Range<Int>? {
        let length = try varint()
        if length < 0 {
            guard length == -1 else { throw damaged() }
            return nil
        }
        guard length <= Int64(raw.count - position) else { throw damaged() }
        let range = position..<position + Int(length)
        position = range.upperBound
        return range
    }
}
