internal import CLinux

/// The checksum of record batches and of every small row of the embedded log (Castagnoli's polynomial, as Kafka and iSCSI use it).
///
/// A value that is fed piece by piece: by the processor's instruction where it has one, else eight bytes a step from eight tables.
public struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    public init() {}

    /// The checksum of everything fed so far.
    public var value: UInt32 { ~state }

    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = CRC32C()
        checksum.update(bytes)
        return checksum.value
    }

    public static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }

    public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// Feeds an integer in network byte order.
    public mutating func update<T: FixedWidthInteger>(bigEndian value: T) {
        withUnsafeBytes(of: value.bigEndian) { update($0) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        if CRC32C.hasInstruction {
            if bytes.count < 3 * CRC32C.lane {
                state = connectd_crc32c(state, base, bytes.count)
            } else {
                CRC32C.afterLane.withUnsafeBufferPointer { table in
                    if let table = table.baseAddress { state = connectd_crc32c_lanes(state, base, bytes.count, table) }
                }
            }
        } else {
            updateFromTables(bytes, base)
        }
    }

    private static let lane = Int(CONNECTD_CRC32C_LANE)

    /// What each byte of a checksum becomes when a lane of zeros is fed: the xor of what its bits become.
    private static let afterLane: [UInt32] = {
        let zeros = [UInt8](repeating: 0, count: lane)
        let bits: [UInt32] = (0..<32).map { bit in zeros.withUnsafeBytes { zeros in zeros.baseAddress.map { connectd_crc32c(1 << UInt32(bit), $0, zeros.count) } ?? 0 } }
        return (0..<1024).map { entry in
            let byte = entry >> 8
            return (0..<8).reduce(0) { entry >> $1 & 1 == 1 ? $0 ^ bits[byte * 8 + $1] : $0 }
        }
    }()

    private static let hasInstruction = connectd_has_crc32c() != 0

    /// What a processor without the instruction does; the tests hold both against each other.
    package mutating func updateFromTables(_ bytes: UnsafeRawBufferPointer, _ base: UnsafeRawPointer) {
        var crc = state
        CRC32C.tables.withUnsafeBufferPointer { tables in
            guard let table = tables.baseAddress else { return }
            var index = 0
            let whole = bytes.count & ~7
            while index < whole {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
                let low =
                    table[1792 + Int(word & 0xFF)] ^ table[1536 + Int(word >> 8 & 0xFF)] ^ table[1280 + Int(word >> 16 & 0xFF)]
                    ^ table[1024 + Int(word >> 24 & 0xFF)]
                let high =
                    table[768 + Int(word >> 32 & 0xFF)] ^ table[512 + Int(word >> 40 & 0xFF)] ^ table[256 + Int(word >> 48 & 0xFF)]
                    ^ table[Int(word >> 56)]
                crc = low ^ high
                index += 8
            }
            while index < bytes.count {
                let byte = base.load(fromByteOffset: index, as: UInt8.self)
                crc = table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8
                index += 1
            }
        }
        state = crc
    }

    /// Eight tables of 256: table k tells what a byte does to the checksum k bytes later.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            tables[byte] = crc
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
