/// The first 61 bytes of a record batch in Kafka's format, version 2.
///
/// The checksum covers everything from the attributes on; base offset and leader epoch stand before it, so that a log can
/// fill them in when the batch is appended.
public struct BatchHeader: Sendable, Hashable {
    public var baseOffset: Int64
    /// Bytes of the whole batch, this header included.
    public var byteCount: Int
    public var leaderEpoch: Int32
    public var checksum: UInt32
    public var attributes: Int16
    public var lastOffsetDelta: Int32
    public var baseTimestamp: Int64
    public var maximumTimestamp: Int64
    public var producer: BatchProducer
    public var recordCount: Int32

    public static let byteCount = 61
    static let lengthAt = 8, leaderEpochAt = 12, magicAt = 16, checksumAt = 17, attributesAt = 21, lastOffsetDeltaAt = 23
    static let baseTimestampAt = 27, maximumTimestampAt = 35, producerIDAt = 43, producerEpochAt = 51, baseSequenceAt = 53
    static let recordCountAt = 57

    public var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    public var compression: Int { Int(attributes & 7) }
    /// Timestamps are the appender's clock's: all records have the batch's maximum.
    public var isAppendTime: Bool { attributes & 8 != 0 }
    public var isTransactional: Bool { attributes & 16 != 0 }
    /// Holds a transaction's marker, no records for readers.
    public var isControl: Bool { attributes & 32 != 0 }

    /// Reads the header of a batch that fills `bytes` exactly. The checksum is not looked at.
    public init(_ bytes: UnsafeRawBufferPointer) throws(BatchError) {
        guard bytes.count >= BatchHeader.byteCount else {
            throw BatchError(.damaged, "a record batch of \(bytes.count) bytes is shorter than its header")
        }
        func load<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
            T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        let magic = bytes[BatchHeader.magicAt]
        guard magic == 2 else { throw BatchError(.unsupported, "record batch format \(magic) is not supported, only 2 is") }
        let length = Int(load(BatchHeader.lengthAt, Int32.self))
        guard length == bytes.count - 12 else {
            throw BatchError(.damaged, "a record batch of \(bytes.count) bytes says that \(length) follow its length")
        }
        baseOffset = load(0, Int64.self)
        byteCount = bytes.count
        leaderEpoch = load(BatchHeader.leaderEpochAt, Int32.self)
        checksum = load(BatchHeader.checksumAt, UInt32.self)
        attributes = load(BatchHeader.attributesAt, Int16.self)
        lastOffsetDelta = load(BatchHeader.lastOffsetDeltaAt, Int32.self)
        baseTimestamp = load(BatchHeader.baseTimestampAt, Int64.self)
        maximumTimestamp = load(BatchHeader.maximumTimestampAt, Int64.self)
        producer = BatchProducer(
            id: load(BatchHeader.producerIDAt, Int64.self), epoch: load(BatchHeader.producerEpochAt, Int16.self),
            baseSequence: load(BatchHeader.baseSequenceAt, Int32.self))
        recordCount = load(BatchHeader.recordCountAt, Int32.self)
        guard lastOffsetDelta >= 0, recordCount >= 0, Int(recordCount) <= Int(lastOffsetDelta) + 1 else {
            throw BatchError(.damaged, "a record batch claims \(recordCount) records over \(lastOffsetDelta) offsets")
        }
    }

    /// Fills in what only the log knows: where the batch stands and under which leader epoch. The checksum does not cover these.
    public static func place(_ bytes: inout [UInt8], baseOffset: Int64, leaderEpoch: Int32) {
        guard bytes.count >= BatchHeader.byteCount else { return }
        bytes.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: baseOffset.bigEndian, toByteOffset: 0, as: Int64.self)
            raw.storeBytes(of: leaderEpoch.bigEndian, toByteOffset: leaderEpochAt, as: Int32.self)
        }
    }
}

/// Who produced a batch, as Kafka's idempotent producer numbers it; ``none`` where it is not used.
public struct BatchProducer: Sendable, Hashable {
    public var id: Int64
    public var epoch: Int16
    public var baseSequence: Int32
    public init(id: Int64, epoch: Int16, baseSequence: Int32) {
        self.id = id
        self.epoch = epoch
        self.baseSequence = baseSequence
    }
    public static let none = BatchProducer(id: -1, epoch: -1, baseSequence: -1)
}

/// Why bytes are no record batch that can be read.
public struct BatchError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case damaged
        /// Well formed perhaps, but of a kind this reader does not know: compressed, or another format.
        case unsupported
    }
    public let kind: Kind
    public let message: String
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
    public var description: String { message }
}
