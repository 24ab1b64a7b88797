/// A read-only range of bytes that shares its storage: a raw key or value of a consumed batch, without a copy.
///
/// Sixteen bytes in size; keeps the whole storage alive while it lives.
public struct ByteSlice: Sendable {
    @usableFromInline let storage: [UInt8]
    @usableFromInline let start: Int32
    @usableFromInline let length: Int32

    /// The whole of an array. Traps above 2 GiB, which no engine lets through (a batch is bounded far below).
    @inlinable public init(_ bytes: [UInt8]) {
        storage = bytes
        start = 0
        length = Int32(bytes.count)
    }

    /// A part of an array. `range` must lie inside it.
    @inlinable public init(_ bytes: [UInt8], range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "ByteSlice outside its storage")
        storage = bytes
        start = Int32(range.lowerBound)
        length = Int32(range.count)
    }

    @inlinable public var count: Int { Int(length) }
    @inlinable public var isEmpty: Bool { length == 0 }

    /// Lends the bytes; the pointer must not leave the closure.
    @inlinable public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try storage.withUnsafeBufferPointer { (whole: UnsafeBufferPointer<UInt8>) throws(E) -> R in
            let raw = UnsafeRawBufferPointer(whole)
            return try body(UnsafeRawBufferPointer(rebasing: raw[Int(start)..<Int(start) + Int(length)]))
        }
    }

    /// A copy as an array.
    @inlinable public var array: [UInt8] { Array(storage[Int(start)..<Int(start) + Int(length)]) }

    /// The text, or `nil` when the bytes are not UTF-8.
    public var utf8Text: String? { withUnsafeBytes { String(utf8: $0.bindMemory(to: UInt8.self)) } }
}

extension ByteSlice: Hashable {
    @inlinable public static func == (left: ByteSlice, right: ByteSlice) -> Bool {
        left.length == right.length && left.withUnsafeBytes { a in right.withUnsafeBytes { b in a.elementsEqual(b) } }
    }

    @inlinable public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
        hasher.combine(length)
    }
}
