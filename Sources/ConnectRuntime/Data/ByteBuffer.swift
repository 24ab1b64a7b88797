/// A growing run of bytes that writers append to: converters, the JSON writer, the record-batch encoder.
///
/// Owned by one task and reused from batch to batch (`removeAll` keeps the capacity), so steady state allocates nothing.
public struct ByteBuffer: Sendable {
    public private(set) var bytes: [UInt8]

    @inlinable public init(capacity: Int = 0) {
        self.init(reserving: capacity)
    }

    @usableFromInline init(reserving capacity: Int) {
        bytes = []
        if capacity > 0 { bytes.reserveCapacity(capacity) }
    }

    /// Over bytes that are already there.
    public init(adopting storage: [UInt8]) { bytes = storage }

    public var count: Int { bytes.count }
    public var isEmpty: Bool { bytes.isEmpty }

    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Cuts the end off: undoes a value whose conversion failed halfway.
    public mutating func truncate(to count: Int) {
        if count < bytes.count { bytes.removeLast(bytes.count - count) }
    }

    public mutating func append(_ byte: UInt8) { bytes.append(byte) }
    public mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
    public mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
    public mutating func append(_ literal: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
    public mutating func append(text: String) { bytes.append(contentsOf: text.utf8) }
    public mutating func append(_ slice: ByteSlice) { slice.withUnsafeBytes { bytes.append(contentsOf: $0) } }

    /// Appends an integer in network byte order.
    public mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Overwrites bytes that are already there with an integer in network byte order: lengths and checksums that are known late.
    public mutating func replace<T: FixedWidthInteger>(at offset: Int, bigEndian value: T) {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= bytes.count, "replace outside the buffer")
        Swift.withUnsafeBytes(of: value.bigEndian) { source in
            for index in 0..<source.count { bytes[offset + index] = source[index] }
        }
    }

    /// Takes the content out and leaves the buffer empty (and without storage).
    public mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }

    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes(body)
    }
}
