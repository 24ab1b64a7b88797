/// A growing run of bytes that writers append to: converters, the JSON writer, the record-batch encoder.
///
/// Owned by one task and reused from batch to batch (`removeAll` keeps the capacity), so steady state allocates nothing.
public struct ByteBuffer: Sendable {
    @usableFromInline var storage: [UInt8]

    @inlinable public init(capacity: Int = 0) {
        storage = []
        if capacity > 0 { storage.reserveCapacity(capacity) }
    }

    /// Over bytes that are already there.
    @inlinable public init(adopting storage: [UInt8]) { self.storage = storage }

    @inlinable public var bytes: [UInt8] { storage }
    @inlinable public var count: Int { storage.count }
    @inlinable public var isEmpty: Bool { storage.isEmpty }

    @inlinable public mutating func removeAll() { storage.removeAll(keepingCapacity: true) }

    /// Cuts the end off: undoes a value whose conversion failed halfway.
    @inlinable public mutating func truncate(to count: Int) {
        if count < storage.count { storage.removeLast(storage.count - count) }
    }

    @inlinable public mutating func append(_ byte: UInt8) { storage.append(byte) }
    @inlinable public mutating func append(_ more: [UInt8]) { storage.append(contentsOf: more) }
    @inlinable public mutating func append(_ more: UnsafeRawBufferPointer) { storage.append(contentsOf: more) }
    @inlinable public mutating func append(_ literal: StaticString) {
        storage.append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
    @inlinable public mutating func append(text: String) {
        let fast: Void? = text.utf8.withContiguousStorageIfAvailable { storage.append(contentsOf: $0) }
        if fast == nil { storage.append(contentsOf: text.utf8) }
    }
    @inlinable public mutating func append(_ slice: ByteSlice) { slice.withUnsafeBytes { storage.append(contentsOf: $0) } }

    /// Appends an integer in network byte order.
    @inlinable public mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { storage.append(contentsOf: $0) }
    }

    /// Overwrites bytes that are already there with an integer in network byte order: lengths and checksums that are known late.
    public mutating func replace<T: FixedWidthInteger>(at offset: Int, bigEndian value: T) {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= storage.count, "replace outside the buffer")
        Swift.withUnsafeBytes(of: value.bigEndian) { source in
            for index in 0..<source.count { storage[offset + index] = source[index] }
        }
    }

    /// Takes the content out and leaves the buffer empty (and without storage).
    @inlinable public mutating func take() -> [UInt8] {
        let taken = storage
        storage = []
        return taken
    }

    @inlinable public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try storage.withUnsafeBytes(body)
    }
}
