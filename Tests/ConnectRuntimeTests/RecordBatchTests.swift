import ConnectRuntime
import Foundation
import Testing

/// Lines of a golden file that lies beside the tests.
func goldenLines(_ name: String, file: StaticString = #filePath) -> [JSON] {
    let path = URL(fileURLWithPath: "\(file)").deletingLastPathComponent().appendingPathComponent("Golden/\(name)")
    guard let data = try? Data(contentsOf: path) else { return [] }
    return data.split(separator: 10).compactMap { try? JSON.parse([UInt8]($0)) }
}

@Suite struct PartitionerTests {
    @Test func placesKeysAsTheJavaClientDoes() throws {
        let lines = goldenLines("partitions.jsonl")
        #expect(lines.count == 32)
        for line in lines {
            let key = try #require(Base64.decode(line["keyBase64"]?.text ?? "?"))
            let result = try #require(line["result"])
            #expect(key.withUnsafeBytes { Int64(Partitioner.murmur2($0)) } == result["murmur2"]?.int64)
            for each in result["partitionOf"]?.elements ?? [] {
                let count = try #require(each["partitions"]?.int64)
                #expect(Int64(Partitioner.partition(forKey: ByteSlice(key), of: Int32(count))) == each["partition"]?.int64)
            }
        }
    }
}

@Suite struct RecordBatchFormatTests {
    private func records(_ line: JSON) -> RecordSet {
        var set = RecordSet()
        for record in line["records"]?.elements ?? [] {
            set.append(
                timestamp: record["timestamp"]?.int64 ?? -1, key: record["key"]?.text.map { ByteSlice(Array($0.utf8)) },
                value: record["value"]?.text.map { ByteSlice(Array($0.utf8)) },
                headers: (record["headers"]?.elements ?? []).map { header in
                    RawHeader(Name(header["name"]?.text ?? ""), header["value"]?.text.map { ByteSlice(Array($0.utf8)) })
                })
        }
        return set
    }

    private func bytes(hex: String) -> [UInt8] {
        let digits = Array(hex.utf8).map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test func writesAndReadsWhatTheJavaClientWrites() throws {
        let lines = goldenLines("record-batches.jsonl")
        #expect(lines.count == 32)
        for line in lines {
            let golden = bytes(hex: try #require(line["result"]?["hex"]?.text))
            if let compression = line["compression"]?.text {
                let error = #expect(throws: BatchError.self) { try BatchDecoder.decode(golden) }
                #expect(error?.kind == .unsupported && error?.message.contains(compression) == true)
                continue
            }
            let (header, decoded) = try BatchDecoder.decode(golden)
            let original = records(line)
            #expect(decoded.count == original.count)
            for index in 0..<min(decoded.count, original.count) {
                #expect(decoded.items[index].offset == (line["baseOffset"]?.int64 ?? 0) + Int64(index))
                #expect(decoded.items[index].timestamp == original.items[index].timestamp)
                #expect(decoded.key(at: index) == original.key(at: index))
                #expect(decoded.value(at: index) == original.value(at: index))
                #expect(decoded.headers(at: index) == original.headers(at: index))
            }
            let encoded = BatchEncoder.encode(
                original, baseOffset: line["baseOffset"]?.int64 ?? 0, leaderEpoch: header.leaderEpoch, producer: header.producer,
                isTransactional: header.isTransactional)
            #expect(encoded == golden)
        }
    }

    @Test func placingABatchKeepsItsChecksum() throws {
        var set = RecordSet()
        set.append(timestamp: 5, key: nil, value: ByteSlice([1, 2, 3]))
        var bytes = BatchEncoder.encode(set)
        BatchHeader.place(&bytes, baseOffset: 77, leaderEpoch: 3)
        let (header, records) = try BatchDecoder.decode(bytes)
        #expect(header.baseOffset == 77 && header.leaderEpoch == 3 && records.items[0].offset == 77)
    }

    @Test func compactionKeepsOffsetsEvenOfAnEmptyBatch() throws {
        var set = RecordSet()
        for number in 0..<5 { set.append(timestamp: Int64(number), key: ByteSlice([UInt8(number)]), value: nil) }
        let (_, records) = try BatchDecoder.decode(BatchEncoder.encode(set, baseOffset: 10))
        var left = RecordSet()
        for index in [1, 3] { left.append(index, of: records) }
        let (kept, some) = try BatchDecoder.decode(BatchEncoder.encode(left, covering: 10...14, leaderEpoch: 2))
        #expect(some.items.map(\.offset) == [11, 13] && some.items.map(\.timestamp) == [1, 3])
        #expect(kept.baseOffset == 10 && kept.lastOffset == 14 && kept.leaderEpoch == 2)
        let (empty, none) = try BatchDecoder.decode(BatchEncoder.encode(RecordSet(), covering: 10...14, leaderEpoch: 2))
        #expect(none.isEmpty && empty.baseOffset == 10 && empty.lastOffset == 14)
    }

    /// Every byte of a batch flipped, every length cut: an error or (before the checksum) a changed place, never a trap.
    @Test func anyDamageIsAnError() throws {
        var set = RecordSet()
        for number in 0..<20 {
            set.append(
                timestamp: 1_700_000_000_000 + Int64(number), key: ByteSlice([UInt8(number)]), value: ByteSlice(Array("value \(number)".utf8)),
                headers: [RawHeader("h", ByteSlice([1])), RawHeader("n", nil)])
        }
        let good = BatchEncoder.encode(set, baseOffset: 1000, leaderEpoch: 7)
        for index in good.indices {
            for bit in 0..<8 {
                var bad = good
                bad[index] ^= 1 << UInt8(bit)
                let outcome = try? BatchDecoder.decode(bad)
                let isPlace = index < 8 || (12..<16).contains(index)
                #expect((outcome != nil) == isPlace, "byte \(index) bit \(bit)")
                _ = try? BatchDecoder.decode(bad, verifyingChecksum: false)
            }
            #expect((try? BatchDecoder.decode(Array(good[..<index]))) == nil)
        }
        for _ in 0..<5_000 {
            var bad = good
            for _ in 0..<Int.random(in: 1...6) { bad[Int.random(in: 21..<bad.count)] = UInt8.random(in: 0...255) }
            _ = try? BatchDecoder.decode(bad, verifyingChecksum: false)
        }
    }

    @Test func splitsWhereABatchWouldGrowTooLarge() {
        var set = RecordSet()
        for size in [10, 10, 5000, 10, 400, 400, 400] { set.append(timestamp: 0, key: nil, value: ByteSlice([UInt8](repeating: 7, count: size))) }
        let ranges = BatchEncoder.split(set, maximumBytes: 1000)
        #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == 7)
        for range in ranges { #expect(range.count == 1 || BatchEncoder.encode(set, range: range).count <= 1000) }
        #expect(ranges.contains(2..<3))
    }

    @Test(arguments: [("", 0), ("123456789", 0xE306_9283), ("a", 0xC1D0_4330)] as [(String, UInt32)])
    func checksums(_ text: String, _ expected: UInt32) {
        #expect(CRC32C.of(Array(text.utf8)) == expected)
    }

    /// What a processor without an instruction for it computes is what one with it does, at every length and place in memory.
    @Test func tablesAndInstructionAgree() throws {
        let bytes = (0..<80).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        for start in 0..<9 {
            for end in start..<bytes.count {
                try bytes[start..<end].withUnsafeBytes { part in
                    guard let base = part.baseAddress, !part.isEmpty else { return }
                    var checksum = CRC32C()
                    checksum.updateFromTables(part, base)
                    try #require(checksum.value == CRC32C.of(part), "bytes \(start)..<\(end)")
                }
            }
        }
    }

    /// Long runs are checked in three lanes: at lengths around one, two and three times three lanes, anywhere in memory.
    @Test func lanesAndTablesAgree() throws {
        var state: UInt64 = 42
        let bytes = (0..<10_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        for start in [0, 1, 7, 8] {
            for length in [3071, 3072, 3073, 3079, 3080, 6143, 6144, 6145, 9215, 9216, 9217, 9991] {
                try bytes[start..<start + length].withUnsafeBytes { part in
                    let base = try #require(part.baseAddress)
                    var checksum = CRC32C()
                    checksum.updateFromTables(part, base)
                    try #require(checksum.value == CRC32C.of(part), "\(length) bytes from \(start)")
                }
            }
        }
    }

    @Test func checksumsOfPiecesEqualThatOfTheWhole() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for cut in [0, 1, 7, 8, 9, 500, 999] {
            var checksum = CRC32C()
            checksum.update(Array(bytes[..<cut]))
            checksum.update(Array(bytes[cut...]))
            #expect(checksum.value == CRC32C.of(bytes))
        }
    }
}
