/// Which partition a key belongs to: Kafka's default, so that a key lands where any Kafka client would put it.
public enum Partitioner {
    /// The partition of a key's bytes among `partitions` (at least 1). Records without a key go where the caller likes.
    public static func partition(forKey key: ByteSlice, of partitions: Int32) -> Int32 {
        key.withUnsafeBytes { partition(forKey: $0, of: partitions) }
    }

    public static func partition(forKey key: UnsafeRawBufferPointer, of partitions: Int32) -> Int32 {
        guard partitions > 1 else { return 0 }
        return (murmur2(key) & 0x7FFF_FFFF) % partitions
    }

    /// MurmurHash2 with Kafka's seed.
    public static func murmur2(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let multiplier: UInt32 = 0x5BD1_E995
        var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
        let whole = bytes.count & ~3
        var index = 0
        while index < whole {
            var word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier ^ word
            index += 4
        }
        let rest = bytes.count - whole
        if rest > 0 {
            if rest > 2 { hash ^= UInt32(bytes[whole + 2]) << 16 }
            if rest > 1 { hash ^= UInt32(bytes[whole + 1]) << 8 }
            hash ^= UInt32(bytes[whole])
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        hash ^= hash >> 15
        return Int32(bitPattern: hash)
    }
}
